"""Deliveries: pending until taken, tried again later and later, given up after ten attempts."""

import msgspec

from pipeline.stage import Emit, Record
from pipeline.triggers.stage import PAUSES_SECONDS, Delivery, DeliveryState, due
from schemas import columns
from schemas.origins import Origin
from schemas.triggers import DeliveryResult, Trigger

NOW = 1_760_000_000_000


def trigger(name: str = "t1", offset: int = 5, time: int = NOW) -> Trigger:
    return Trigger(
        id=name, rule="repurchase.due", site="shop", subject="p1", time=time,
        reason="Ada usually buys coffee every 30 days; it is 29.", evidence={"days": 29},
        origin=Origin("footfall-customers", 0, offset, 0),
    )  # fmt: skip


def result(attempt: int, *, delivered: bool = False, time: int = NOW) -> DeliveryResult:
    status = 200 if delivered else 503
    return DeliveryResult(
        trigger_id="t1", attempt=attempt, time=time, delivered=delivered, status=status
    )


class Told:
    """A delivery stage that was told triggers and results."""

    def __init__(self, endpoint: str = "http://localhost/hook") -> None:
        self.stage = Delivery(endpoint)
        self.state: DeliveryState = self.stage.new_state()
        self.emit = Emit(self.stage.source, 0)

    def __call__(self, *messages: msgspec.Struct) -> "Told":
        offset = self.state.applied = self.state.applied + 1
        self.emit.begin(offset)
        value = b"\n".join(map(msgspec.json.encode, messages))
        self.stage.process(self.state, Record(offset, len(messages), value), self.emit)
        return self

    def due(self, now: int = NOW) -> list[str]:
        return [pending.trigger.id for pending in due(self.state, now)]


def test_a_trigger_is_due_at_once_and_oldest_first() -> None:
    told = Told()(trigger("young", 6, NOW + 1), trigger("old", 7, NOW))
    assert told.due() == ["old", "young"]


def test_a_repeated_message_does_not_make_a_delivered_trigger_pending_again() -> None:
    told = Told()(trigger())(result(1, delivered=True))(trigger())
    assert told.due() == []


def test_without_an_endpoint_nothing_is_pending() -> None:
    assert Told("")(trigger()).due() == []


def test_a_failed_attempt_waits_for_its_pause() -> None:
    told = Told()(trigger())(result(1))
    assert told.due(NOW + PAUSES_SECONDS[0] * 1000 - 1) == []
    assert told.due(NOW + PAUSES_SECONDS[0] * 1000) == ["t1"]


def test_after_ten_failed_attempts_it_is_given_up_and_every_attempt_is_a_row() -> None:
    told = Told()(trigger())
    for attempt in range(1, len(PAUSES_SECONDS) + 2):
        assert told.due(NOW * 2) == ["t1"]
        told(result(attempt))
    assert told.due(NOW * 2) == []
    attempts = [row[columns.DELIVERIES.columns.index("attempt")]
                for row in told.emit.rows[columns.DELIVERIES]]  # fmt: skip
    assert attempts == list(range(1, 11))


def test_a_line_that_is_neither_becomes_a_reject() -> None:
    told = Told()
    told.emit.begin(0)
    told.stage.process(told.state, Record(0, 1, b'{"id":1}'), told.emit)
    assert len(told.emit.rows[columns.REJECTS]) == 1
