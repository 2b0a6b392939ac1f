"""`delivery`: which triggers still have to be sent to the webhook, according to the log.

Triggers and the results of attempts are both on the `triggers` topic, so what is pending is a fold
over it. Attempts themselves happen in `deliverer`; a crash between an attempt and its result
repeats the attempt, with the same id.
"""

from collections.abc import Mapping
from heapq import nsmallest
from math import inf
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from pipeline.engine.stage import Emit, Record
from pipeline.engine.state.keyed import Keyed, State
from schemas import topics
from schemas.rejects import Reason, reject_row
from schemas.rows import DeliveryRow
from schemas.triggers import DeliveryResult, Trigger

PAUSES_SECONDS: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Between attempts: ten in all over some 75 hours, as Standard Webhooks 1.0.0 proposes."""

_trigger = msgspec.json.Decoder(Trigger)
_result = msgspec.json.Decoder(DeliveryResult)


class Pending(Struct, array_like=True):
    """A trigger to send. `not_before` is in ms since 1970; 0: at once."""

    trigger: Trigger
    attempts: int = 0
    not_before: int = 0


class DeliveryState(State):
    """`pending` by trigger id."""

    def __init__(self) -> None:
        self.pending: Keyed[Pending] = Keyed(Pending)
        super().__init__(pending=self.pending)


class Delivery:
    """The stage. `endpoint` is the webhook's URL; "": nothing is ever pending."""

    name: Final = "delivery"
    source: Final = topics.TRIGGERS

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def new_state(self) -> DeliveryState:
        """Nothing pending."""
        return DeliveryState()

    def process(self, state: State, record: Record, emit: Emit) -> None:
        """New triggers become pending; results end or postpone that. Other lines become rejects."""
        assert isinstance(state, DeliveryState)
        for line in filter(None, record.value.split(b"\n")):
            try:
                if line.startswith(b'{"kind":"delivery"'):
                    self._apply_result(state, _result.decode(line), emit)
                else:
                    self._add_pending(state, _trigger.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                row = reject_row(Reason.PROCESSING_FAILED, str(error), "", self.source.name, line)
                emit.row(row)

    def _add_pending(self, state: DeliveryState, trigger: Trigger) -> None:
        if self.endpoint and state.is_new(trigger.origin):
            state.pending.put(trigger.id, Pending(trigger))

    def _apply_result(self, state: DeliveryState, result: DeliveryResult, emit: Emit) -> None:
        pending = state.pending.get(result.trigger_id)
        if pending is None:
            return
        emit.row(
            DeliveryRow(
                trigger_id=result.trigger_id,
                endpoint=self.endpoint,
                attempt=result.attempt,
                time=result.time,
                status=result.status,
                detail=result.detail,
            )
        )
        pending.attempts = max(pending.attempts, result.attempt)
        if result.delivered or pending.attempts > len(PAUSES_SECONDS):
            state.pending.delete(result.trigger_id)
            return
        pending.not_before = result.time + PAUSES_SECONDS[pending.attempts - 1] * 1000
        state.pending.put(result.trigger_id, pending)


class Agenda(NamedTuple):
    """What to attempt, oldest trigger first, and when the next after those is due, ms since 1970."""

    due: list[Pending]
    next_due: float


def agenda(state: DeliveryState, now: int, attempts_made: Mapping[str, int], limit: int) -> Agenda:
    """At most `limit` attempts for `now`, ms. Decodes all that is pending, once.

    `attempts_made` has, by trigger id, the attempts made: one whose result is not folded in yet must
    not be attempted again. `next_due` is infinite where nothing is left to wait for.
    """
    due, next_due = [], inf
    for key, pending in state.pending.each():
        if attempts_made.get(key, 0) > pending.attempts:
            continue
        if pending.not_before <= now:
            due.append(pending)
        else:
            next_due = min(next_due, pending.not_before)
    first = nsmallest(limit, due, key=lambda pending: (pending.trigger.time, pending.trigger.id))
    return Agenda(first, now if len(due) > limit else next_due)
