"""RudderStack where it differs from Segment."""

import json

from collectors.admission import admit
from tests.collectors.requests import AT, SHOP, request
from tests.collectors.test_endpoint import Collector

IDENTIFY = {
    "type": "identify",
    "anonymousId": "d",
    "userId": "zoe",
    "originalTimestamp": AT,
    "context": {"traits": {"email": "zoe@e.co"}},
}


def test_a_beacon_has_its_key_in_the_query_and_no_headers() -> None:
    beacon = request("/beacon/v1/batch", {"batch": [IDENTIFY]}, query="writeKey=key")
    (taken,) = admit(beacon, {"key": SHOP}).events
    assert taken.site == "shop"
    assert taken.identifiers == ("user_id:zoe", "email:zoe@e.co")


def test_its_control_plane_says_to_go_on_with_no_destinations() -> None:
    answer = Collector().call(
        "GET", "/sourceConfig/?writeKey=k&p=cdn", headers={"origin": "https://a"}
    )
    source = json.loads(answer.body)["source"]
    assert (source["enabled"], source["destinations"]) == (True, [])
    assert answer.headers["access-control-allow-origin"] == "https://a"
