"""Folding one event in: drop a repeat, emit its row, remember it, emit what it says about a customer."""

from typing import Final

from pipeline.engine.stage import Emit
from pipeline.stages.visits import (
    dedup_index,
    dedup_window,
    packed_sessions,
    reviews,
    rows,
    sessions,
)
from pipeline.stages.visits.accounting import REPEAT, STORED, STORED_BEYOND_WINDOW
from pipeline.stages.visits.assertions import emit_facts
from pipeline.stages.visits.device import (
    MAX_RECENT_EVENTS,
    NOBODY,
    SERVER_TYPES,
    Device,
    RecentEvent,
    index_of,
    remember,
)
from pipeline.stages.visits.funnel import Funnel
from pipeline.stages.visits.packed_sessions import knows
from pipeline.stages.visits.pages import template
from pipeline.stages.visits.state import Limits, VisitsState
from schemas import topics
from schemas.events import Event
from schemas.outcomes import ORDER_COMPLETED
from schemas.time_units import DAY_MS

_SERVER_TYPES: Final = frozenset(SERVER_TYPES)
"""Event types that pages may be denied sending; see `device.RecentEvent.server_type`."""
_PASSIVE: Final = frozenset({"ticket", "reset"})
"""Event types that are no activity on a site: they open no session and extend none."""


def arrive(state: VisitsState, limits: Limits, event: Event, emit: Emit) -> int:
    """Fold one event in; answers STORED, STORED_BEYOND_WINDOW or REPEAT."""
    if not event.anonymous_id:
        return _arrive_without_device(state, event, emit)
    key = f"{event.site}\n{event.anonymous_id}"
    device = state.devices.get(key)
    skew = event.received_at - event.time
    clock, result = state.clock, STORED
    if device is None:
        device = Device(0, 0, skew, [])
        if dedup_window.beyond_device(clock, event.time):
            result = STORED_BEYOND_WINDOW
    elif knows(device, event.message_id, _server_type(event)):
        return REPEAT
    else:
        device.skew = min(device.skew, skew)
        if dedup_window.beyond_events(clock, device, event.time, limits.lateness_ms):
            result = STORED_BEYOND_WINDOW
    if device.packed_blocks and event.time - device.packed_blocks[-1].end <= sessions.GAP_MS:
        packed_sessions.unpack(device, event.time, limits.horizon_ms, limits.funnel)
    recent = _recent_event(device, event, limits.funnel)
    index = remember(device, recent)
    if index is None:
        return REPEAT
    emit.row(rows.event_row(event))
    if recent.identity_index != NOBODY or event.opt_out or event.type in rows.FACT_KINDS:
        emit_facts(device, event, index, emit)
    if len(device.events) + device.packed_events > MAX_RECENT_EVENTS + MAX_RECENT_EVENTS // 4:
        reviews.shrink(event.site, event.anonymous_id, device, limits, emit)
    reviews.schedule(state, limits, key, device, recent)
    state.devices.put(key, device)
    return result


def _arrive_without_device(state: VisitsState, event: Event, emit: Emit) -> int:
    key, digest = dedup_index.bucket_and_digest(event)
    buckets = dedup_index.remember(state.recent, key, digest)
    if not buckets:
        return REPEAT
    today = (state.clock.get("now") or event.received_at) // DAY_MS
    for bucket in buckets:
        state.timers.set(f"\n{bucket}", (today + dedup_index.WINDOW_DAYS) * DAY_MS)
    emit.row(rows.event_row(event))
    if event.type in rows.FACT_KINDS or len(event.identifiers) > 1 or event.opt_out:
        emit.out(topics.CUSTOMERS, event.site, rows.fact_of(event, emit))
    beyond = dedup_window.beyond_buckets(state.clock, event.time)
    return STORED_BEYOND_WINDOW if beyond else STORED


def _recent_event(device: Device, event: Event, funnel: Funnel) -> RecentEvent:
    step, view = _step(event, funnel)
    identifiers = ("",) if event.type == "reset" else event.identifiers
    return RecentEvent(
        event.time,
        event.message_id,
        step,
        view,
        index_of(device, identifiers) if identifiers else NOBODY,
        event.device_class,
        event.type not in _PASSIVE,
        _server_type(event),
    )


def _step(event: Event, funnel: Funnel) -> tuple[str, bool]:
    """The step an event is, and whether it is a page."""
    if event.type in ("page", "screen"):
        return template(event.path or "/" + event.event), True
    # Without an order where the page's key has no right to sell.
    completed = (
        event.event == ORDER_COMPLETED if event.order is None else event.order.status == "completed"
    )
    if completed:
        return ORDER_COMPLETED, False
    return (event.event, False) if event.event in funnel else ("", False)


def _server_type(event: Event) -> str:
    return event.type if event.type in _SERVER_TYPES else ""
