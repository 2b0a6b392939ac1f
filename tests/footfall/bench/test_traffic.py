"""The collector's benchmark sends what browsers send, and the collector takes all of it."""

import json
from itertools import islice

import pytest

from collectors.admission import admit
from collectors.dialects.contract import Request
from footfall.bench.traffic import WRITE_KEY, Traffic, number_of
from schemas.keys import browser_keys

RUN = "0a1b2c3d"
KEYS = browser_keys(f"{WRITE_KEY}:shop identify purchase rate=1000000")


def sent(per_request: int, requests: int) -> list[tuple[str, bytes]]:
    """Path and body of the first requests, each as long as its head says."""
    found = []
    for request in islice(Traffic(per_request, RUN), requests):
        head, _, body = request.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
        found.append((head.split()[1].decode(), body))
    return found


@pytest.mark.parametrize(("per_request", "requests"), [(1, 600), (100, 7)])
def test_every_event_is_taken_under_the_number_it_was_sent_with(
    per_request: int, requests: int
) -> None:
    taken = []
    for path, body in sent(per_request, requests):
        admitted = admit(Request(path, "", {}, body, 1_763_719_200_000, "nonce"), KEYS)
        assert not admitted.rejects
        taken += [number_of(event.message_id, RUN) for event in admitted.events]
    assert taken == list(range(per_request * requests))


def test_an_event_has_some_700_bytes() -> None:
    for per_request, requests in ((1, 500), (100, 5)):
        size = sum(len(body) for _, body in sent(per_request, requests))
        assert 650 < size / per_request / requests < 850


def test_a_visitor_sends_some_events_in_a_row_and_each_has_its_own_time() -> None:
    events = [e for _, body in sent(100, 2) for e in json.loads(body)["batch"]]
    assert len({e["anonymousId"] for e in events}) == 40
    assert len({e["timestamp"] for e in events}) == 200


def test_another_runs_events_are_not_this_runs() -> None:
    assert number_of("ajs-next-ffffffff-000000000001", RUN) is None
    assert number_of("", RUN) is None
