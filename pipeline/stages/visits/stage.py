"""`visits`: from a device's events to who used it, its sessions, and what became of its page views.

event → new? → row → remembered → facts for `people`            arrivals, assertions
tick  → devices whose time has come → sessions, outcomes         reviews
      → too much remembered? what ended first is forgotten       state_limit
record → how many events it held, and what became of them        accounting
"""

import sys
from itertools import islice
from typing import Final

from pipeline.engine.stage import Emit, Record
from pipeline.engine.state.keyed import Keyed, State
from pipeline.stages.visits import (
    arrivals,
    dedup_index,
    dedup_window,
    reviews,
    state_limit,
    watermark,
)
from pipeline.stages.visits.accounting import Accounting, read_events
from pipeline.stages.visits.funnel import Funnel
from pipeline.stages.visits.state import Limits, VisitsState
from schemas import topics
from schemas.customers import CustomerFact
from schemas.outcomes import PageOutcome

NAME: Final = "visits"
PASS_ON_MS: Final = 10_000
"""A tick goes on to `people` and `dropoff` when the log's time has moved by so much."""
REVIEWS_PER_TICK: Final = 10_000
"""A tick is folded in one go (a review takes about 30 µs); the devices above wait for the next."""


class Visits:
    """The stage. For the parameters see `state.Limits`."""

    name: Final = NAME
    source: Final = topics.EVENTS

    def __init__(
        self,
        horizon_ms: int,
        lateness_ms: int,
        funnel: Funnel,
        state_limit_bytes: int = sys.maxsize,
    ) -> None:
        self.limits = Limits(horizon_ms, lateness_ms, funnel, state_limit_bytes)

    def new_state(self) -> VisitsState:
        """Nothing known."""
        return VisitsState()

    def process(self, state: State, record: Record, emit: Emit) -> None:
        """One record: its events in order, then what it adds to the books."""
        assert isinstance(state, VisitsState)
        limits, accounting = self.limits, Accounting(record.events)
        newest_tick = state.newest_tick
        for event in read_events(record, emit, accounting, state.now):
            if event.type == "tick":
                self._tick(state, event.time, emit)
                newest_tick = state.newest_tick
            elif abs(event.received_at - newest_tick) > watermark.ORDINARY_MS:
                corrected_event = watermark.with_corrected_receipt(event, newest_tick)
                accounting.count(
                    corrected_event, arrivals.arrive(state, limits, corrected_event, emit)
                )
            else:
                accounting.count(event, arrivals.arrive(state, limits, event, emit))
        accounting.close(emit)

    def _tick(self, state: VisitsState, time: int, emit: Emit) -> None:
        """The log's time moves on: never back, whoever's clock said so."""
        limits, now = self.limits, _advance(state.clock, time)
        for bucket in islice(state.timers.due(now), REVIEWS_PER_TICK):
            state.recent.delete(bucket[1:])
            dedup_window.forget_bucket(state.clock, dedup_index.end_of(bucket[1:]))
        for key in state.reviews.due(now, REVIEWS_PER_TICK):
            reviews.review(state, limits, key, now, emit)
        for key in state.oldest_blocks.due(now - limits.lateness_ms - 1, REVIEWS_PER_TICK):
            reviews.review(state, limits, key, now, emit)
        state_limit.enforce(state, limits.state_limit_bytes, now, REVIEWS_PER_TICK)
        if now - (state.clock.get("passed_on") or 0) >= PASS_ON_MS:
            state.clock.put("passed_on", now)
            _pass_on(now, emit)


def _advance(clock: Keyed[int], tick: int) -> int:
    """Note a tick; the log's time afterwards."""
    before = clock.get("now") or 0
    newest_before = clock.get("heard") or before
    now = watermark.advance(before, newest_before, tick)
    newest = max(newest_before, tick)
    clock.put("now", now)
    if now < newest:
        clock.put("heard", newest)
    elif "heard" in clock:
        clock.delete("heard")
    return now


def _pass_on(now: int, emit: Emit) -> None:
    tick = CustomerFact(kind="tick", site="", time=now, message_id="", origin=emit.origin)
    emit.out_beside(topics.CUSTOMERS, tick)
    outcome = PageOutcome(site="", page="", time=now, decided_at=now, origin=emit.origin)
    emit.out_beside(topics.PAGES, outcome)
