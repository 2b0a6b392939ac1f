"""Traps found by running stock SDKs against an echo server, one test for each."""

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest

from collectors.admission import STATUS
from collectors.enrichment.agents import device_class
from tests.collectors.requests import AT, SHOP, event
from tests.collectors.test_endpoint import Collector

SEEN = {"type": "track", "anonymousId": "d", "event": "☕ é", "timestamp": AT}


@pytest.mark.parametrize(
    ("content_type", "gzipped"),
    [("text/plain", False), ("application/x-www-form-urlencoded", True), ("text/plain", True)],
)
def test_1_a_content_type_says_nothing(content_type: str, gzipped: bool) -> None:
    body = json.dumps(SEEN).encode()
    collector = Collector()
    packed = gzip.compress(body) if gzipped else body
    answer = collector.call("POST", "/v1/track", packed, {"content-type": content_type})
    assert answer.status == 200
    assert collector.writer.events()[0].event == "☕ é"


@pytest.mark.parametrize("path", ["/v1/t", "/api/s/track", "/e/", "/flags/", "/sourceConfig/"])
def test_2_a_preflight_allows_every_header_that_an_sdk_sends(path: str) -> None:
    answer = Collector().call("OPTIONS", path, headers={"origin": "https://shop.example"})
    allowed = set(answer.headers["access-control-allow-headers"].split(", "))
    wanted = {
        "authorization",
        "content-type",
        "anonymousid",
        "sentat",
        "x-write-key",
        "x-retry-count",
        "x-ip-policy",
        "sp-anonymous",
    }
    assert wanted <= allowed
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


@pytest.mark.parametrize("absent", [None, ""])
def test_3_a_user_id_may_be_null_or_nothing(absent: str | None) -> None:
    for path in ("/v1/track", "/api/s/track"):
        assert event(path, SEEN | {"userId": absent}).identifiers == ()


def test_4_events_keep_their_own_time_whatever_order_they_come_in() -> None:
    collector = Collector()
    for minute in ("10:02", "10:01"):
        moment = {"timestamp": f"2026-11-21T{minute}:00Z", "sentAt": "2026-11-21T10:03:00Z"}
        collector.call("POST", "/v1/track", json.dumps(SEEN | moment).encode())
    late, early = (one.time for one in collector.writer.events())
    assert late - early == 60_000


def test_5_an_alias_to_the_user_that_it_already_is_joins_nothing() -> None:
    alias = SEEN | {"type": "alias", "userId": "new", "previousId": "new"}
    taken = event("/v1/alias", alias)
    assert (taken.previous_id, taken.identifiers) == ("", ("user_id:new",))


@pytest.mark.parametrize("path", ["/beacon/v1/batch", "/v1/batch"])
def test_6_a_beacons_key_is_in_the_query(path: str) -> None:
    collector = Collector(keys={"key": SHOP})
    answer = collector.call("POST", f"{path}?writeKey=key", json.dumps({"batch": [SEEN]}).encode())
    assert answer.status == 200
    assert collector.writer.events()[0].site == "shop"


def test_7_a_log_that_is_full_says_when_to_come_again_and_faults_are_final() -> None:
    answer = Collector(max_waiting=10).call("POST", "/v1/track", json.dumps(SEEN).encode())
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert set(STATUS.values()) <= {400, 401, 403, 413, 415}


def test_8_a_headless_browser_is_taken_and_counted_as_a_bot() -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/156.0 Safari/537.36"
    headers: Mapping[str, Any] = {"user-agent": agent}
    taken = event("/e/", {"event": "Seen", "distinct_id": "zoe"}, headers=dict(headers))
    assert taken.device_class == device_class(agent) == "bot"
