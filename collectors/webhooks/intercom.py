"""Intercom: conversations begun, answered, closed, opened again, rated.

Times are seconds since 1970. A contact's `external_id` is the site's own user id. A conversation's
custom attribute `footfall_anonymous_id` joins it to its visits.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from collectors.dialects.contract import Refused, Request
from collectors.dialects.reading import decode
from collectors.webhooks import intercom_doc, payloads, signatures
from collectors.webhooks.contract import TICKETS, Fact
from schemas.events import TicketAction
from schemas.rejects import Reason

_ACTIONS: Final[dict[str, TicketAction]] = {
    "conversation.user.created": "created",
    "conversation.admin.replied": "answered",
    "conversation.admin.closed": "solved",
    "conversation.admin.opened": "reopened",
    "conversation.rating.added": "rated",
}
_CUSTOMERS: Final = frozenset({"user", "lead", "contact"})


class _Author(Struct):
    type: str | None = None
    id: str | int | None = None
    email: str | None = None


class _Source(Struct):
    type: str | None = None
    subject: str | None = None
    author: _Author | None = None


class _Contact(Struct):
    id: str | int | None = None
    external_id: str | None = None


class _Contacts(Struct):
    contacts: list[_Contact] = []  # msgspec copies it


class _Rating(Struct):
    rating: int | None = None
    remark: str | None = None


class _Conversation(Struct):
    id: str | int
    source: _Source | None = None
    contacts: _Contacts | None = None
    priority: str | None = None
    conversation_rating: _Rating | None = None
    custom_attributes: dict[str, Any] | None = None


class _Data(Struct):
    item: msgspec.Raw


class _Notice(Struct):
    topic: str
    id: str
    data: _Data
    created_at: int | None = None


_notice: Final = msgspec.json.Decoder(_Notice)
_conversation: Final = msgspec.json.Decoder(_Conversation)


class Intercom:
    """See `collectors.webhooks.contract.Vendor`."""

    name = "intercom"
    headers = frozenset({"x-hub-signature"})
    about = intercom_doc.source_doc(_ACTIONS)

    def verify(self, request: Request, secret: str) -> None:
        """`sha1=` and HMAC-SHA1 of the body in hex."""
        expected = "sha1=" + signatures.hex_of(secret.encode(), request.body, "sha1")
        signatures.check(request.headers.get("x-hub-signature", ""), expected)

    def read(self, request: Request, body: bytes) -> list[Fact]:
        """By topic; every other topic tells nothing."""
        notice = decode(_notice, body)
        action = _ACTIONS.get(notice.topic)
        if action is None:
            return []
        item = decode(_conversation, bytes(notice.data.item), Reason.BAD_TICKET)
        return [_fact(notice, item, action)]


def _fact(notice: _Notice, item: _Conversation, action: TicketAction) -> Fact:
    source = item.source or _Source()
    rating = item.conversation_rating or _Rating()
    rated = action == "rated"
    body = {
        "messageId": payloads.message_id("intercom", notice.id),
        "time": None if notice.created_at is None else notice.created_at * 1000,
        "ticketId": str(item.id),
        "action": action,
        "channel": payloads.short(source.type),
        "subject": payloads.short(source.subject),
        "priority": payloads.short(item.priority),
        "rating": _stars(rating.rating) if rated else None,
        "properties": {"remark": rating.remark} if rated and rating.remark else None,
        "anonymousId": payloads.device((item.custom_attributes or {}).get(payloads.DEVICE)),
        "customer": _customer(item, source.author or _Author()),
    }
    return Fact(TICKETS, payloads.without_none(body))


def _stars(value: int | None) -> int:
    if value is None:
        raise Refused(Reason.BAD_TICKET, "`conversation_rating.rating` is missing")
    return value


def _customer(item: _Conversation, author: _Author) -> dict[str, str] | None:
    """The first contact, and who wrote first where that was not the desk."""
    contacts = item.contacts.contacts if item.contacts else []
    contact = contacts[0] if contacts else _Contact()
    wrote = author if author.type in _CUSTOMERS else _Author()
    duplicate = contact.id is None or wrote.id is None or str(wrote.id) == str(contact.id)
    return payloads.customer(
        email=wrote.email if duplicate else None,
        crm=payloads.crm("intercom", contact.id or wrote.id),
        user_id=contact.external_id,
    )
