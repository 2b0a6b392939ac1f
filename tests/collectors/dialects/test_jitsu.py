"""Jitsu's calls."""

import json

import pytest

from collectors.admission import admit
from tests.collectors.requests import AT, SHOP, event, request
from tests.collectors.test_endpoint import Collector

EVENT = {"anonymousId": "d", "event": "Seen", "timestamp": AT, "writeKey": "key:***"}


@pytest.mark.parametrize("way", ["", "s2s/"])
@pytest.mark.parametrize("kind", ["track", "page", "screen", "identify", "group"])
def test_its_path_names_the_type(way: str, kind: str) -> None:
    assert event(f"/api/s/{way}{kind}", EVENT).type == kind


@pytest.mark.parametrize("header", ["key", "key:secret"])
def test_its_key_is_before_the_colon_of_the_header(header: str) -> None:
    told = request("/api/s/track", EVENT, headers={"x-write-key": header})
    assert [one.site for one in admit(told, {"key": SHOP}).events] == ["shop"]


def test_the_masked_key_in_the_body_opens_nothing() -> None:
    assert admit(request("/api/s/track", EVENT), {"key:***": SHOP}).status == 401


def test_the_answer_is_json_without_destinations() -> None:
    answer = Collector().call("POST", "/api/s/track", json.dumps(EVENT).encode())
    assert "destinations" not in json.loads(answer.body)
