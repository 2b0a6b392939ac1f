"""Freshdesk: tickets created, answered, solved, reopened, rated.

With simple content the triggered event tells what happened; with advanced content `action` does,
beside the same names (the template is in `freshdesk_doc`). Without `time` a fact happened when it
came, and the same bytes on the same day (UTC) are the same fact.
"""

import re
from typing import Final

import msgspec
from msgspec import Struct

from collectors.dialects.contract import Refused, Request
from collectors.dialects.reading import decode
from collectors.webhooks import freshdesk_doc, payloads, signatures
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


class Freshdesk:
    """See `collectors.webhooks.contract.Vendor`."""

    name = "freshdesk"
    headers = signatures.SHARED_SECRET_HEADERS
    about = freshdesk_doc.source_doc(_SIMPLE)

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
    move = _MOVED.fullmatch(plain)
    if not move:
        return _SIMPLE.get(plain)
    before, after = (word in _DONE for word in move.groups())
    if before == after:
        return None
    return "solved" if after else "reopened"


def _fact(ticket: _Ticket, action: TicketAction, request: Request, raw: bytes) -> Fact:
    day = "" if ticket.time else str(request.received_at // DAY_MS)
    phone = ticket.ticket_requester_phone
    body = {
        "messageId": payloads.digest("freshdesk", raw, day),
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
    matches = None if value is None else _RATINGS.get(value)
    if matches is None:
        raise Refused(Reason.BAD_TICKET, "`rating` is none of Freshdesk's")
    return matches
