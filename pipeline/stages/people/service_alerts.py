"""Who needs care now: an unhappy answer, or a ticket that was thought solved and is open again."""

from typing import Any, Final

from pipeline.stages.people.context import Turn
from pipeline.stages.people.devices import owner_of
from pipeline.stages.people.trigger_emitter import opted_out, send
from schemas.customers import CustomerFact
from schemas.events import Feedback, Ticket
from schemas.rows import FeedbackRow, TicketRow
from schemas.triggers import Rule

UNHAPPY_RATING: Final = 2
"""A ticket's rating of 1 or 2 out of 5."""
UNHAPPY_SCORE: Final = {"csat": 2, "ces": 2, "nps": 6}
"""Scores at or below are unhappy: the lower two of five, and what NPS calls detractors."""
_OUT_OF: Final = {"csat": 5, "ces": 5, "nps": 10}
_QUOTED: Final = 200
"""Characters of a comment or subject that a trigger quotes."""


def ticket(turn: Turn, fact: CustomerFact, said: Ticket) -> None:
    """Record a step in a ticket's life; tell of bad ratings and of reopening."""
    turn.emit.row(
        TicketRow(
            site=fact.site,
            ticket_id=said.ticket_id,
            action=said.action,
            time=fact.time,
            message_id=fact.message_id,
            identifier=fact.identifiers[0] if fact.identifiers else "",
            device=fact.device,
            channel=said.channel,
            subject=said.subject,
            priority=said.priority,
            rating=said.rating,
        )
    )
    evidence: dict[str, Any] = {"ticket_id": said.ticket_id, "subject": said.subject[:_QUOTED]}
    if said.action == "reopened":
        reason = f"Ticket {said.ticket_id} was solved and is open again."
        _tell(turn, "care.reopened", fact, reason, evidence)
    elif said.action == "rated" and said.rating is not None and said.rating <= UNHAPPY_RATING:
        reason = f"Rated the help with ticket {said.ticket_id} {said.rating} out of 5."
        _tell(turn, "care.unhappy", fact, reason, {**evidence, "rating": said.rating})


def feedback(turn: Turn, fact: CustomerFact, said: Feedback) -> None:
    """Record an answer to a survey; tell of an unhappy one."""
    turn.emit.row(
        FeedbackRow(
            site=fact.site,
            time=fact.time,
            message_id=fact.message_id,
            identifier=fact.identifiers[0] if fact.identifiers else "",
            device=fact.device,
            kind=said.kind,
            score=said.score,
            comment=said.comment,
            about=said.about,
        )
    )
    if said.score is None or said.score > UNHAPPY_SCORE.get(said.kind, -1):
        return
    about = f" about {said.about[:_QUOTED]}" if said.about else ""
    survey = "an NPS survey" if said.kind == "nps" else f"a {said.kind.upper()} survey"
    reason = f"Answered {said.score} out of {_OUT_OF[said.kind]} in {survey}{about}."
    evidence = {"kind": said.kind, "score": said.score, "comment": said.comment[:_QUOTED]}
    _tell(turn, "care.unhappy", fact, reason, evidence)


def _tell(
    turn: Turn, rule: Rule, fact: CustomerFact, reason: str, evidence: dict[str, Any]
) -> None:
    """Tell, unless it is history, nobody is known, or they opted out."""
    now = turn.state.now
    if not now or now - fact.time > turn.policy.fresh:
        return
    owner = fact.identifiers[0] if fact.identifiers else ""
    if not owner and fact.device:
        owner = owner_of(turn, fact.site, fact.device, fact.time)
    person = turn.state.person_of(fact.site, owner) if owner else ""
    if person and not opted_out(turn, fact.site, person):
        send(turn, rule, fact.site, person, fact.message_id, (reason, evidence))
