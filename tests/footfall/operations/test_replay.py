"""Replay sends rejects to the collector, waits where it is asked to, and counts what came of each."""

from typing import Any

import pytest

from footfall.operations import replay as module
from footfall.operations.replay import LONGEST_WAIT, ReplayOutcome, replay
from pipeline.errors import LogUnavailable
from pipeline.settings import Settings

SETTINGS = Settings({}, {"FOOTFALL_SERVER_KEYS": "s3cret:shop"})
Answers = list[tuple[int, str, bytes]]
TAKEN = (200, "", b'{"success":true}')
REFUSED = (400, "", b'{"success":false,"accepted":0,"rejected":1}')


class Wire:
    """Stands for the connection: answers are (status, Retry-After, body), one after the other."""

    def __init__(self, answers: Answers) -> None:
        self.answers, self.sent, self.closed = answers, list[tuple[Any, ...]](), 0

    def request(self, *request: Any) -> None:
        self.sent.append(request)
        if not self.answers:
            raise ConnectionRefusedError("nobody listens")

    def getresponse(self) -> "Wire":
        self.status, self._after, self._body = self.answers.pop(0)
        return self

    def read(self) -> bytes:
        return self._body

    def getheader(self, name: str) -> str | None:
        assert name == "retry-after"
        return self._after or None

    def close(self) -> None:
        self.closed += 1


def row(**more: Any) -> dict[str, Any]:
    return {
        "id": "a-1",
        "time": 1_795_255_200_000,
        "path": "/v1/track",
        "site": "shop",
        "body": "{}",
        "sender": "server",
        "method": "POST",
        "opt_out": False,
    } | more


class Played:
    """One replay: what came of it, what was sent, how long it waited each time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.waits: list[float] = []

    def run(self, answers: Answers, *rows: dict[str, Any]) -> ReplayOutcome:
        self.wire = Wire(answers)
        self.monkeypatch.setattr(module, "HTTPConnection", lambda *place, timeout: self.wire)
        return replay(SETTINGS, rows or [row()], "", self.waits.append)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    return Played(monkeypatch)


def test_what_is_taken_refused_and_impossible_is_counted(played: Played) -> None:
    partly = (200, "", b'{"success":true,"accepted":1,"rejected":1}')
    found = played.run([TAKEN, REFUSED, partly], row(), row(), row(), row(sender="page"))
    assert found == ReplayOutcome(taken=1, refused=2, impossible=1)
    assert len(played.wire.sent) == 3


@pytest.mark.parametrize("status", [429, 503])
def test_a_collector_that_asks_to_wait_is_waited_for_and_has_refused_nothing(
    status: int, played: Played
) -> None:
    later = [(status, "7", b""), (status, "", b""), (status, "Sun, 22 Nov 2026 03:00:00 GMT", b"")]
    assert played.run([*later, TAKEN]) == ReplayOutcome(1, 0, 0)
    assert played.waits == [7, 5, 5]
    assert len({str(request) for request in played.wire.sent}) == 1


def test_it_is_not_waited_for_without_end(played: Played) -> None:
    answers = [TAKEN, *[(503, "60", b"")] * 99]
    with pytest.raises(LogUnavailable, match=r"1 taken.*503 for 300 s.*counts once"):
        played.run(answers, row(), row())
    assert sum(played.waits) == LONGEST_WAIT


def test_the_connection_is_closed_before_a_wait_as_the_collector_would(played: Played) -> None:
    played.run([(503, "", b""), TAKEN])
    assert played.wire.closed == 2


def test_a_collector_that_is_not_there_is_told(played: Played) -> None:
    with pytest.raises(LogUnavailable, match="footfall up"):
        played.run([])


def test_a_secret_is_in_no_address(played: Played) -> None:
    played.run([TAKEN, TAKEN], row(), row(method="GET", path="/i", body='{"e":"pv","aid":"x"}'))
    targets = [request[1] for request in played.wire.sent]
    assert targets == ["/v1/track", "/i?e=pv&aid=x"]


def test_what_was_asked_by_get_is_asked_by_get_without_the_key_it_had(played: Played) -> None:
    query = "writeKey=wrong&anonymousId=a&event=x%20y&name=\xe9\n"
    played.run([TAKEN], row(method="GET", path="/pixel/v1/track", body=query))
    ((method, target, body, _),) = played.wire.sent
    assert (method, body) == ("GET", None)
    assert target == "/pixel/v1/track?anonymousId=a&event=x%20y&name=%C3%A9%0A"
