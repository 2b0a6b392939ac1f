"""Zendesk: tickets created, answered, solved, reopened, rated.

Events name the requester by id alone, and there is none for ratings. Triggers can send both, as JSON
(`_TRIGGER`), by a webhook of their own: Zendesk connects none to events and triggers at once.

A good rating is 5 of 5, a bad one 1; a number from 1 to 5 is itself.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from collectors.dialects.contract import Refused, Request
from collectors.dialects.reading import decode
from collectors.webhooks import payloads, signatures, zendesk_doc
from collectors.webhooks.contract import TICKETS, Fact
from schemas.events import TicketAction
from schemas.rejects import Reason

_PREFIX: Final = "zen:event-type:ticket."
_DONE: Final = frozenset({"SOLVED", "CLOSED"})
_OPEN: Final = frozenset({"NEW", "OPEN", "PENDING", "HOLD"})
_SIGNATURE: Final = "x-zendesk-webhook-signature"
_TIME: Final = "x-zendesk-webhook-signature-timestamp"


class _Via(Struct):
    channel: str | None = None


class _Ticket(Struct):
    id: str | int
    requester_id: str | int | None = None
    subject: str | None = None
    priority: str | None = None
    via: _Via | None = None


class _Notice(Struct):
    type: str
    id: str
    time: str
    detail: _Ticket
    event: dict[str, Any] = {}  # msgspec copies it


class _Sent(Struct):
    """What a trigger sends."""

    ticket_id: str | int
    action: TicketAction
    time: str | None = None
    email: str | None = None
    requester_id: str | int | None = None
    subject: str | None = None
    rating: str | int | None = None
    comment: str | None = None


class _Kind(Struct):
    type: Any = None


_kind: Final = msgspec.json.Decoder(_Kind)
_notice: Final = msgspec.json.Decoder(_Notice)
_sent: Final = msgspec.json.Decoder(_Sent)


class Zendesk:
    """See `collectors.webhooks.contract.Vendor`."""

    name = "zendesk"
    headers = frozenset({_SIGNATURE, _TIME})
    about = zendesk_doc.ABOUT

    def verify(self, request: Request, secret: str) -> None:
        """Base64 of HMAC-SHA256 of time and body."""
        time = request.headers.get(_TIME, "")
        signature = time.encode() + request.body
        text = request.headers.get(_SIGNATURE, "")
        signatures.check(text, signatures.base64_of(secret.encode(), signature))
        signatures.check_fresh(signatures.iso(time), request.received_at)

    def read(self, request: Request, body: bytes) -> list[Fact]:
        """An event, or what a trigger sends."""
        kind = decode(_kind, body).type
        if kind is None:
            return [_from_trigger(decode(_sent, body, Reason.BAD_TICKET), body)]
        if not isinstance(kind, str) or not kind.startswith(_PREFIX):
            return []
        notice = decode(_notice, body, Reason.BAD_TICKET)
        action = _action(kind.removeprefix(_PREFIX), notice.event)
        return [] if action is None else [_from_event(notice, action)]


def _action(kind: str, event: dict[str, Any]) -> TicketAction | None:
    if kind == "created":
        return "created"
    if kind == "comment_added":
        return "answered" if _public_answer(event.get("comment")) else None
    if kind != "status_changed":
        return None
    before, after = (str(event.get(name)).upper() for name in ("previous", "current"))
    if before in _DONE:
        return "reopened" if after in _OPEN else None
    return "solved" if after in _DONE else None


def _public_answer(comment: Any) -> bool:
    if not isinstance(comment, dict) or comment.get("is_public") is not True:
        return False
    author = comment.get("author")
    return isinstance(author, dict) and author.get("is_staff") is True


def _from_event(notice: _Notice, action: TicketAction) -> Fact:
    ticket = notice.detail
    body = {
        "messageId": payloads.message_id("zendesk", notice.id),
        "time": notice.time,
        "ticketId": str(ticket.id),
        "action": action,
        "channel": payloads.short((ticket.via or _Via()).channel),
        "subject": payloads.short(ticket.subject),
        "priority": payloads.short(ticket.priority),
        "customer": payloads.customer(crm=payloads.crm("zendesk", ticket.requester_id)),
    }
    return Fact(TICKETS, payloads.without_none(body))


def _from_trigger(sent: _Sent, raw: bytes) -> Fact:
    properties = {"comment": sent.comment} if sent.comment else None
    body = {
        "messageId": payloads.digest("zendesk", raw),
        "time": sent.time,
        "ticketId": str(sent.ticket_id),
        "action": sent.action,
        "subject": payloads.short(sent.subject),
        "rating": _rating(sent.rating) if sent.action == "rated" else None,
        "properties": properties,
        "customer": payloads.customer(
            email=sent.email, crm=payloads.crm("zendesk", sent.requester_id)
        ),
    }
    return Fact(TICKETS, payloads.without_none(body))


def _rating(value: str | int | None) -> int:
    word = str(value).strip().lower()
    if word in {"1", "2", "3", "4", "5"}:
        return int(word)
    if word.startswith("good"):
        return 5
    if word.startswith("bad"):
        return 1
    raise Refused(Reason.BAD_TICKET, "`rating` is neither good nor bad nor from 1 to 5")
