"""Freshdesk: tickets created, answered, solved, reopened, rated.

With simple content the triggered event tells what happened; with advanced content `action` does,
beside the same names (`_RATED`). Without `time` a fact happened when it came, and the same bytes on
the same day (UTC) are the same fact.
"""

import re
from typing import Final

import msgspec
from msgspec import Struct

from collectors.dialects.contract import Refused, Request
from collectors.dialects.reading import decode
from collectors.source_doc import Becomes, Example, File, Link, SourceDoc
from collectors.webhooks import payloads, signatures
from collectors.webhooks.contract import TICKETS, Fact
from schemas.events import TicketAction
from schemas.rejects import Reason
from schemas.time_units import DAY_MS

_DONE: Final = frozenset({"4", "5", "resolved", "closed"})
_RATINGS: Final = {
    1: 1,
    2: 2,
    3: 3,
    4: 4,
    5: 5,
    -103: 1,
    -102: 2,
    -101: 2,
    100: 3,
    101: 4,
    102: 4,
    103: 5,
}
_MOVED: Final = re.compile(r"\{status:\{from:([^,{}]{1,64}),to:([^,{}]{1,64})\}\}")
_RATED: Final = """\
{"freshdesk_webhook": {"ticket_id": {{ticket.id}}, "action": "rated", "rating": 103,
                       "ticket_requester_email": "{{ticket.requester.email}}"}}
"""
_SIMPLE: Final[dict[str, TicketAction]] = {
    "{ticket_action:created}": "created",
    "{reply_sent:sent}": "answered",
}


class _Ticket(Struct):
    ticket_id: int | str
    triggered_event: str | None = None
    action: TicketAction | None = None
    rating: int | None = None
    comment: str | None = None
    time: str | None = None
    ticket_subject: str | None = None
    ticket_priority: str | None = None
    ticket_source: str | None = None
    ticket_requester_email: str | None = None
    ticket_contact_email: str | None = None
    ticket_requester_phone: str | int | None = None
    ticket_requester_unique_external_id: str | None = None


class _Body(Struct):
    freshdesk_webhook: _Ticket


_body: Final = msgspec.json.Decoder(_Body)


_ABOUT: Final = SourceDoc(
    title="Freshdesk",
    purpose="Tickets of Freshdesk: created, answered, solved, reopened, rated.",
    connect="make automation rules that trigger a webhook",
    brings=("tickets",),
    becomes=(
        *(Becomes(f"`{event}`", f"`{action}`") for event, action in _SIMPLE.items()),
        Becomes(
            "`{status:{from:2,to:4}}` (4 is resolved, 5 closed)",
            "`solved`, the other way `reopened`",
        ),
        Becomes(
            "advanced content with `action` and `rating`",
            "`rated`: 1 to 5, or Freshdesk's own seven from -103 to 103",
        ),
    ),
    not_taken=(
        "What an answer says.",
        "Every other event: it is answered with 200 and tells nothing.",
    ),
    steps=(
        "In Freshdesk open Admin → Automations and make a rule for each event below.",
        "Its action is “Trigger webhook”: POST, this URL: `{hook}`, and the custom header "
        "`X-Webhook-Secret: {secret}`, with a long secret that you make up. Freshdesk signs nothing, "
        "so the secret is all: use HTTPS.",
        "Content JSON, simple; tick ticket id, subject, status, priority, source, requester's email "
        "and phone, and triggered event.",
        "For ratings a rule for each: content JSON, advanced, as in `rated.json`.",
    ),
    topics=(
        "Ticket is created",
        "Reply is sent",
        "Status is changed",
        "Customer feedback is received",
    ),
    files=(File("rated.json", _RATED),),
    examples=(
        Example(
            """curl {hook} -H 'X-Webhook-Secret: {secret}' -d '{"freshdesk_webhook": {
  "ticket_id": 77, "ticket_subject": "Cannot pay", "ticket_requester_email": "ada@example.org",
  "triggered_event": "{status:{from:2,to:4}}"}}'""",
            ("ticket",),
        ),
    ),
    notes=(
        "Without `time` a fact happened when it came, and the same bytes on the same day (UTC) are "
        "the same fact.",
    ),
    documentation=(
        Link(
            "Webhooks in automation rules",
            "https://support.freshdesk.com/support/solutions/articles/132589-using-webhooks-in-automation-rules",
        ),
        Link("Satisfaction ratings", "https://developers.freshdesk.com/api/#satisfaction-ratings"),
    ),
)


class Freshdesk:
    """See `collectors.webhooks.contract.Vendor`."""

    name = "freshdesk"
    headers = signatures.SHARED_SECRET_HEADERS
    about = _ABOUT

    def verify(self, request: Request, secret: str) -> None:
        """The secret itself."""
        signatures.shared_secret(request, secret)

    def read(self, request: Request, body: bytes) -> list[Fact]:
        """One ticket; a triggered event of another kind tells nothing."""
        ticket = decode(_body, body, Reason.BAD_TICKET).freshdesk_webhook
        action = ticket.action or _action(ticket.triggered_event or "")
        return [] if action is None else [_fact(ticket, action, request, body)]


def _action(triggered: str) -> TicketAction | None:
    plain = triggered.replace(" ", "").replace('"', "").lower()
    moved = _MOVED.fullmatch(plain)
    if not moved:
        return _SIMPLE.get(plain)
    before, after = (word in _DONE for word in moved.groups())
    if before == after:
        return None
    return "solved" if after else "reopened"


def _fact(ticket: _Ticket, action: TicketAction, request: Request, whole: bytes) -> Fact:
    day = "" if ticket.time else str(request.received_at // DAY_MS)
    phone = ticket.ticket_requester_phone
    body = {
        "messageId": payloads.digest("freshdesk", whole, day),
        "time": ticket.time,
        "ticketId": str(ticket.ticket_id),
        "action": action,
        "channel": payloads.short(ticket.ticket_source),
        "subject": payloads.short(ticket.ticket_subject),
        "priority": payloads.short(ticket.ticket_priority),
        "rating": _rating(ticket.rating) if action == "rated" else None,
        "properties": {"comment": ticket.comment} if ticket.comment else None,
        "customer": payloads.customer(
            email=ticket.ticket_requester_email or ticket.ticket_contact_email,
            phone=None if phone is None else str(phone),
            user_id=ticket.ticket_requester_unique_external_id,
        ),
    }
    return Fact(TICKETS, payloads.without_none(body))


def _rating(value: int | None) -> int:
    found = None if value is None else _RATINGS.get(value)
    if found is None:
        raise Refused(Reason.BAD_TICKET, "`rating` is none of Freshdesk's")
    return found
