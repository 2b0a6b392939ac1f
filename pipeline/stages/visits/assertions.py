"""What `visits` passes on to `people`: assertions that change something, purchases, tickets, feedback."""

from pipeline.engine.stage import Emit
from pipeline.stages.visits import packed_sessions, rows
from pipeline.stages.visits.device import NOBODY, Device, RecentEvent
from schemas import topics
from schemas.customers import CustomerFact
from schemas.events import Event
from schemas.rows import AssertionRow


def emit_facts(device: Device, event: Event, index: int, emit: Emit) -> None:
    """Pass on what an event, the device's recent one at `index`, says about a customer.

    An assertion that repeats the one before it changes nothing and is not passed on.
    """
    recent = device.events[index]
    is_fact = event.type in rows.FACT_KINDS or (event.opt_out and not device.opted_out)
    if recent.identity_index == NOBODY and not is_fact:
        return
    device.opted_out = device.opted_out or event.opt_out
    earlier = _nearest_assertion(device.events, index, -1)
    before = (
        packed_sessions.last_identity_index(device) if earlier is None else earlier.identity_index
    )
    changes = recent.identity_index not in (NOBODY, before)
    if changes:
        emit.row(_assertion_row(event, recent, device.identities[recent.identity_index]))
    if changes or is_fact:
        emit.out(topics.CUSTOMERS, event.site, rows.fact_of(event, emit))
    after = _nearest_assertion(device.events, index, 1) if changes and before != NOBODY else None
    if after is not None and before == after.identity_index:
        _emit_assertion_again(device, event, after, emit)


def _emit_assertion_again(device: Device, event: Event, recent: RecentEvent, emit: Emit) -> None:
    """A late assertion split a run: the run's next member was redundant and no longer is."""
    identity = device.identities[recent.identity_index]
    emit.row(_assertion_row(event, recent, identity))
    fact = CustomerFact(
        kind="assertion" if identity[0] else "reset",
        site=event.site,
        time=recent.time,
        message_id=recent.message_id,
        origin=emit.origin,
        device=event.anonymous_id,
        identifiers=identity if identity[0] else (),
    )
    emit.out(topics.CUSTOMERS, event.site, fact)


def _assertion_row(event: Event, recent: RecentEvent, identity: tuple[str, ...]) -> AssertionRow:
    return AssertionRow(
        site=event.site,
        device=event.anonymous_id,
        time=recent.time,
        message_id=recent.message_id,
        identifier=identity[0],
    )


def _nearest_assertion(events: list[RecentEvent], index: int, step: int) -> RecentEvent | None:
    """The nearest event before (step −1) or after (1) an index that asserts an identity."""
    stop = -1 if step < 0 else len(events)
    return next(
        (events[n] for n in range(index + step, stop, step) if events[n].identity_index != NOBODY),
        None,
    )
