"""From the nouns of `visits` to rows and messages. Column order: `schemas.rows`."""

from msgspec import Raw

from pipeline.engine.stage import Emit
from pipeline.stages.visits.attempts import Attempt, OutcomeChange
from pipeline.stages.visits.device import EmittedOutcome, Span
from pipeline.stages.visits.pages import template
from schemas import topics
from schemas.customers import CustomerFact
from schemas.events import EMPTY_OBJECT, Event
from schemas.outcomes import PageOutcome
from schemas.rows import EventRow, OutcomeRow, SessionRow

FACT_KINDS = {
    "purchase": "purchase",
    "ticket": "ticket",
    "feedback": "feedback",
    "alias": "alias",
    "reset": "reset",
}


def event_row(event: Event) -> EventRow:
    """The row of an event. By position, in EventRow's order: names take 1 µs more of every event."""
    identifiers = event.identifiers
    return EventRow(
        event.site,
        event.type,
        event.event,
        event.time,
        event.corrected_time or event.time,
        event.received_at,
        event.message_id,
        event.anonymous_id,
        identifiers[0] if identifiers else "",
        event.url,
        event.path,
        template(event.path) if event.path else "",
        event.title,
        event.referrer,
        event.device_class,
        event.opt_out,
        _text(event.properties),
        _text(event.traits),
        event.browser,
        event.os,
        event.bot,
        event.country,
        event.ip,
        event.campaign_source,
        event.campaign_medium,
        event.campaign_name,
        event.campaign_term,
        event.campaign_content,
        event.click_id,
        event.referrer_medium,
        event.referrer_source,
    )


def _text(raw: Raw) -> str:
    return "{}" if raw is EMPTY_OBJECT else str(raw, "utf-8")


def session_row(site: str, device: str, span: Span, emit: Emit, *, deleted: bool) -> None:
    """Write or withdraw a session."""
    emit.row(
        SessionRow(
            site=site,
            device=device,
            start=span.start,
            end=span.end,
            events=span.events,
            pages=span.pages,
            entry_page=span.entry,
            exit_page=span.exit,
            device_class=span.device_class,
            version=emit.version,
            deleted=int(deleted),
        )
    )


def outcome(site: str, device: str, change: OutcomeChange, now: int, emit: Emit) -> None:
    """Write a page outcome and tell `dropoff`."""
    attempt, before = change.attempt, change.before
    _outcome_row(site, device, attempt, now, emit, 0)
    emit.out(
        topics.PAGES,
        site,
        PageOutcome(
            site=site,
            page=attempt.page,
            time=attempt.time,
            decided_at=now,
            device=device,
            message_id=attempt.message_id,
            device_class=attempt.device_class,
            next=attempt.next,
            forward=attempt.forward,
            revision=change.revision,
            was_next=() if before is None else before.next,
            was_forward=None if before is None else before.forward,
            origin=emit.origin,
        ),
    )


def _outcome_row(
    site: str, device: str, outcome: Attempt | EmittedOutcome, now: int, emit: Emit, deleted: int
) -> None:
    emit.row(
        OutcomeRow(
            site=site,
            page=outcome.page,
            time=outcome.time,
            device=device,
            message_id=outcome.message_id,
            device_class=outcome.device_class,
            next=outcome.next,
            forward=outcome.forward,
            decided_at=now,
            version=emit.version,
            deleted=deleted,
        )
    )


def withdrawn_outcome(site: str, device: str, was: EmittedOutcome, now: int, emit: Emit) -> None:
    """A late event made this attempt part of an earlier one: take back what was emitted."""
    _outcome_row(site, device, was, now, emit, 1)
    emit.out(
        topics.PAGES,
        site,
        PageOutcome(
            site=site,
            page=was.page,
            time=was.time,
            decided_at=now,
            device=device,
            message_id=was.message_id,
            device_class=was.device_class,
            revision=was.revision + 1,
            withdrawn=True,
            was_next=was.next,
            was_forward=was.forward,
            origin=emit.origin,
        ),
    )


def fact_of(event: Event, emit: Emit) -> CustomerFact:
    """What an event says about a customer."""
    return CustomerFact(
        kind=FACT_KINDS.get(event.type, "assertion"),  # type: ignore[arg-type]  # the keys are kinds
        site=event.site,
        time=event.time,
        message_id=event.message_id,
        origin=emit.origin,
        device=event.anonymous_id,
        identifiers=event.identifiers,
        previous_id=event.previous_id,
        opt_out=event.opt_out,
        order=event.order,
        ticket=event.ticket,
        feedback=event.feedback,
    )
