"""Alerts for customer service: an unhappy answer, or a solved ticket that is open again."""

from typing import Any, Final

from pipeline.stages.people.context import RecordContext
from pipeline.stages.people.devices import owner_of
from pipeline.stages.people.trigger_emitter import emit_for_person, opted_out
from schemas.customers import CustomerFact
from schemas.events import Feedback, Ticket
from schemas.rows import FeedbackRow, TicketRow
from schemas.triggers import Rule

UNHAPPY_RATING: Final = 2
"""A ticket's rating of 1 or 2 out of 5."""
UNHAPPY_SCORE: Final = {"csat": 2, "ces": 2, "nps": 6}
"""Scores at or below are unhappy: the lower two of five, and what NPS calls detractors."""
_OUT_OF: Final = {"csat": 5, "ces": 5, "nps": 10}
_QUOTE_CHARACTERS: Final = 200
"""Characters of a comment or subject that a trigger quotes."""


def record_ticket(context: RecordContext, fact: CustomerFact, ticket: Ticket) -> None:
    """Record a step in a ticket's life; a bad rating or a reopening is a trigger."""
    context.emit.row(
        TicketRow(
            site=fact.site,
            ticket_id=ticket.ticket_id,
            action=ticket.action,
            time=fact.time,
            message_id=fact.message_id,
            identifier=fact.identifiers[0] if fact.identifiers else "",
            device=fact.device,
            channel=ticket.channel,
            subject=ticket.subject,
            priority=ticket.priority,
            rating=ticket.rating,
        )
    )
    evidence: dict[str, Any] = {
        "ticket_id": ticket.ticket_id,
        "subject": ticket.subject[:_QUOTE_CHARACTERS],
    }
    if ticket.action == "reopened":
        reason = f"Ticket {ticket.ticket_id} was solved and is open again."
        _emit(context, "care.reopened", fact, reason, evidence)
    elif ticket.action == "rated" and ticket.rating is not None and ticket.rating <= UNHAPPY_RATING:
        reason = f"Rated the help with ticket {ticket.ticket_id} {ticket.rating} out of 5."
        _emit(context, "care.unhappy", fact, reason, {**evidence, "rating": ticket.rating})


def record_feedback(context: RecordContext, fact: CustomerFact, feedback: Feedback) -> None:
    """Record an answer to a survey; an unhappy one is a trigger."""
    context.emit.row(
        FeedbackRow(
            site=fact.site,
            time=fact.time,
            message_id=fact.message_id,
            identifier=fact.identifiers[0] if fact.identifiers else "",
            device=fact.device,
            kind=feedback.kind,
            score=feedback.score,
            comment=feedback.comment,
            about=feedback.about,
        )
    )
    if feedback.score is None or feedback.score > UNHAPPY_SCORE.get(feedback.kind, -1):
        return
    about = f" about {feedback.about[:_QUOTE_CHARACTERS]}" if feedback.about else ""
    survey = "an NPS survey" if feedback.kind == "nps" else f"a {feedback.kind.upper()} survey"
    reason = f"Answered {feedback.score} out of {_OUT_OF[feedback.kind]} in {survey}{about}."
    evidence = {
        "kind": feedback.kind,
        "score": feedback.score,
        "comment": feedback.comment[:_QUOTE_CHARACTERS],
    }
    _emit(context, "care.unhappy", fact, reason, evidence)


def _emit(
    context: RecordContext, rule: Rule, fact: CustomerFact, reason: str, evidence: dict[str, Any]
) -> None:
    """Emit a trigger, unless the fact is older than `fresh_ms`, of nobody, or of who opted out."""
    now = context.state.now
    if not now or now - fact.time > context.policy.fresh_ms:
        return
    owner = fact.identifiers[0] if fact.identifiers else ""
    if not owner and fact.device:
        owner = owner_of(context, fact.site, fact.device, fact.time)
    person = context.state.person_of(fact.site, owner) if owner else ""
    if person and not opted_out(context, fact.site, person):
        emit_for_person(context, rule, fact.site, person, fact.message_id, (reason, evidence))
