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
from collectors.source_doc import Becomes, Example, File, Link, SourceDoc
from collectors.webhooks import payloads, signatures
from collectors.webhooks.contract import TICKETS, Fact
from schemas.events import TicketAction
from schemas.rejects import Reason

_PREFIX: Final = "zen:event-type:ticket."
_TRIGGER: Final = """\
{"ticket_id": "{{ticket.id}}", "action": "rated", "time": "{{ticket.updated_at_with_timestamp}}",
 "email": "{{ticket.requester.email}}", "requester_id": "{{ticket.requester.id}}",
 "rating": "{{satisfaction.current_rating}}", "comment": "{{satisfaction.current_comment}}"}
"""
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


_ABOUT: Final = SourceDoc(
    title="Zendesk",
    purpose="Tickets of Zendesk: created, answered, solved, reopened, rated.",
    connect="create a webhook in the Admin Centre",
    brings=("tickets",),
    becomes=(
        Becomes("ticket created", "`created`"),
        Becomes("comment added, public and by staff", "`answered`"),
        Becomes("status changed to solved or closed", "`solved`"),
        Becomes("status changed from solved or closed to an open one", "`reopened`"),
        Becomes("a trigger", "its `action`; of `rated`, good is 5 of 5, bad 1, a number itself"),
    ),
    not_taken=(
        "Private comments and the requester's own.",
        "What a comment says.",
        "Every other event: it is answered with 200 and tells nothing.",
    ),
    steps=(
        "In the Admin Centre open Apps and integrations → Webhooks → Create webhook.",
        "Choose how it is connected; Zendesk allows one of both. “Zendesk events” is quick: tick the "
        "events below. “Trigger or automation” also brings ratings and e-mail addresses: make a trigger "
        "for each action, which notifies the webhook with `trigger.json`, `action` being created, "
        "answered, solved, reopened or rated.",
        "URL `{hook}`, method POST, format JSON.",
        "Its page has “Reveal secret”: that is the secret.",
    ),
    topics=("Ticket created", "Ticket comment added", "Ticket status changed"),
    files=(File("trigger.json", _TRIGGER),),
    examples=(
        Example(
            """time=$(date -u +%Y-%m-%dT%H:%M:%SZ)
body='{"id": "e-1", "type": "zen:event-type:ticket.status_changed", "time": "2026-11-21T09:00:00Z",
  "detail": {"id": "77", "requester_id": "5", "subject": "Cannot pay"},
  "event": {"previous": "OPEN", "current": "SOLVED"}}'
curl {hook} -d "$body" -H "X-Zendesk-Webhook-Signature-Timestamp: $time" \\
  -H "X-Zendesk-Webhook-Signature: $(
  printf %s "$time$body" | openssl dgst -sha256 -hmac '{secret}' -binary | base64)\"""",
            ("ticket",),
        ),
    ),
    notes=(
        "Events name the requester by Zendesk's own id alone, which joins a customer's tickets to each "
        "other and not to the visits.",
    ),
    documentation=(
        Link("Creating webhooks", "https://support.zendesk.com/hc/en-us/articles/4408839108378"),
        Link("Signature", "https://developer.zendesk.com/documentation/webhooks/verifying/"),
        Link(
            "Ticket events",
            "https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events",
        ),
        Link("Placeholders", "https://support.zendesk.com/hc/en-us/articles/4408886858138"),
    ),
)


class Zendesk:
    """See `collectors.webhooks.contract.Vendor`."""

    name = "zendesk"
    headers = frozenset({_SIGNATURE, _TIME})
    about = _ABOUT

    def verify(self, request: Request, secret: str) -> None:
        """Base64 of HMAC-SHA256 of time and body."""
        time = request.headers.get(_TIME, "")
        signed = time.encode() + request.body
        given = request.headers.get(_SIGNATURE, "")
        signatures.check(given, signatures.base64_of(secret.encode(), signed))
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


def _from_trigger(sent: _Sent, whole: bytes) -> Fact:
    properties = {"comment": sent.comment} if sent.comment else None
    body = {
        "messageId": payloads.digest("zendesk", whole),
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
