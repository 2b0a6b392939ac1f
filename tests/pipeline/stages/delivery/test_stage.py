"""Deliveries: pending until taken, tried again later and later, given up after ten attempts."""

from collections.abc import Mapping
from math import inf

import msgspec
import pytest
from msgspec.structs import asdict

from pipeline.engine.stage import Emit, Record
from pipeline.stages.delivery.stage import PAUSES_SECONDS, Agenda, Delivery, DeliveryState, agenda
from schemas.origins import Origin
from schemas.rows import DeliveryRow, RejectRow
from schemas.triggers import DeliveryResult, Trigger

NOW = 1_760_000_000_000


def trigger(name: str = "t1", offset: int = 5, time: int = NOW) -> Trigger:
    return Trigger(
        id=name,
        rule="repurchase.due",
        site="shop",
        subject="p1",
        time=time,
        reason="Ada usually buys coffee every 30 days; it is 29.",
        evidence={"days": 29},
        origin=Origin("footfall-customers", 0, offset, 0),
    )


def result(attempt: int, *, delivered: bool = False, time: int = NOW) -> DeliveryResult:
    status = 200 if delivered else 503
    return DeliveryResult(
        trigger_id="t1", attempt=attempt, time=time, delivered=delivered, status=status
    )


class DeliveryFold:
    """A delivery stage, its state, and what it emitted."""

    def __init__(self, endpoint: str = "http://localhost/hook") -> None:
        self.stage = Delivery(endpoint)
        self.state: DeliveryState = self.stage.new_state()
        self.emit = Emit(self.stage.source, 0)

    def __call__(self, *messages: msgspec.Struct) -> "DeliveryFold":
        offset = self.state.applied = self.state.applied + 1
        self.emit.begin(offset)
        value = b"\n".join(map(msgspec.json.encode, messages))
        self.stage.process(self.state, Record(offset, len(messages), value), self.emit)
        return self

    def agenda(
        self, now: int = NOW, attempts_made: Mapping[str, int] | None = None, limit: int = 9
    ) -> Agenda:
        return agenda(self.state, now, attempts_made or {}, limit)

    def due(self, now: int = NOW) -> list[str]:
        return [pending.trigger.id for pending in self.agenda(now).due]


def test_a_trigger_is_due_at_once_and_oldest_first() -> None:
    fold = DeliveryFold()(trigger("young", 6, NOW + 1), trigger("old", 7, NOW))
    assert fold.due() == ["old", "young"]


def test_a_repeated_message_does_not_make_a_delivered_trigger_pending_again() -> None:
    fold = DeliveryFold()(trigger())(result(1, delivered=True))(trigger())
    assert fold.due() == []


def test_without_an_endpoint_nothing_is_pending() -> None:
    assert DeliveryFold("")(trigger()).due() == []


def test_a_failed_attempt_waits_for_its_pause() -> None:
    fold = DeliveryFold()(trigger())(result(1))
    assert fold.due(NOW + PAUSES_SECONDS[0] * 1000 - 1) == []
    assert fold.due(NOW + PAUSES_SECONDS[0] * 1000) == ["t1"]


def test_after_ten_failed_attempts_it_is_given_up_and_every_attempt_is_a_row() -> None:
    fold = DeliveryFold()(trigger())
    for attempt in range(1, len(PAUSES_SECONDS) + 2):
        assert fold.due(NOW * 2) == ["t1"]
        fold(result(attempt))
    assert fold.due(NOW * 2) == []
    attempts = [asdict(row)["attempt"] for row, _, _ in fold.emit.rows[DeliveryRow]]
    assert attempts == list(range(1, 11))


def test_the_agenda_says_when_the_next_attempt_is_due() -> None:
    fold = DeliveryFold()(trigger())
    assert fold.agenda().next_due == inf
    assert fold(result(1)).agenda().next_due == NOW + PAUSES_SECONDS[0] * 1000


def test_what_was_attempted_waits_until_its_result_is_folded_in() -> None:
    fold = DeliveryFold()(trigger())
    assert fold.agenda(attempts_made={"t1": 1}) == Agenda([], inf)
    assert fold(result(1)).agenda(NOW * 2, {"t1": 1}).due != []


def test_an_agenda_too_long_goes_on_at_once() -> None:
    fold = DeliveryFold()(*(trigger(f"t{n}", n, NOW + n) for n in range(5)))
    upcoming = fold.agenda(NOW, limit=3)
    assert [pending.trigger.id for pending in upcoming.due] == ["t0", "t1", "t2"]
    assert upcoming.next_due == NOW


@pytest.mark.parametrize(
    "line",
    [
        b'{"id":1}',
        b'{"id":"\xff"}',
        b'{"kind":"delivery","trigger_id":"\xff"}',
        msgspec.json.encode(trigger()).replace(b"shop", b"sh\xffp"),
    ],
)
def test_a_line_that_is_neither_becomes_a_reject(line: bytes) -> None:
    fold = DeliveryFold()
    fold.emit.begin(0)
    value = line + b"\n" + msgspec.json.encode(trigger())
    fold.stage.process(fold.state, Record(0, 2, value), fold.emit)
    assert len(fold.emit.rows[RejectRow]) == 1
    assert fold.due() == ["t1"]
