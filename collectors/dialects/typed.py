"""Footfall's own endpoints for shops and help desks: what a server knows about a customer.

    POST /v1/purchases   {"orderId": "1001", "status": "completed" | "refunded" | "cancelled",
                          "currency": "EUR", "total": 49.80,
                          "items": [{"productId": "tea-1", "name": "Assam", "category": "Tea",
                                     "quantity": 2, "price": "24.90"}]}
    POST /v1/tickets     {"ticketId": "77", "action": "created" | "answered" | "solved" |
                          "reopened" | "rated", "channel": "email", "subject": "Broken cup",
                          "priority": "high", "rating": 1…5}
    POST /v1/feedback    {"kind": "csat" | "ces" | "nps" | "comment", "score": 1…5 or 0…10,
                          "comment": "…", "about": "checkout"}

One object, a list of them, or {"batch": [object, …], "sentAt": …, "writeKey": …}. Every object
also takes `messageId`, `time` (ISO 8601 or ms), `anonymousId`, `optOut`, `properties`, and
`customer`: {"userId", "email", "phone", "crmId", "social"}, of which one must be there unless
`anonymousId` is. `total` may be left out: it is the items' sum. The write key comes as in the
Segment API. A declared identifier that is malformed is refused, as nobody would notice its loss.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple, get_args

import msgspec
from msgspec import Raw, Struct

from collectors import orders
from collectors.dialects import reading, typed_doc
from collectors.dialects.batches import Batches, Scalar
from collectors.dialects.contract import Dialect, Envelope, Read, Refused, Request, Sender
from collectors.dialects.keys import sent_key
from schemas import identifiers
from schemas.events import (
    EMPTY_OBJECT,
    Event,
    EventType,
    Feedback,
    FeedbackKind,
    Item,
    Order,
    OrderStatus,
    Ticket,
    TicketAction,
)
from schemas.rejects import Reason

_SCORES: Final[dict[FeedbackKind, range]] = {
    "csat": range(1, 6),
    "ces": range(1, 6),
    "nps": range(11),
    "comment": range(0),
}
_RATINGS: Final = range(1, 6)
_CHOICES: Final = {"`$.status`": OrderStatus, "`$.action`": TicketAction, "`$.kind`": FeedbackKind}
"""Fields of one word, as the decoder names them."""


class _Customer(Struct, rename="camel"):
    user_id: str | int | None = None
    email: str | None = None
    phone: str | int | None = None
    crm_id: str | int | None = None
    social: str | None = None


class _Typed(Struct, rename="camel", kw_only=True):
    """What every typed object may carry."""

    message_id: str | None = None
    time: str | float | None = None
    anonymous_id: str | int | None = None
    customer: _Customer | None = None
    opt_out: bool = False
    properties: Raw = EMPTY_OBJECT


class _Item(Struct, rename="camel"):
    product_id: str | int
    name: str | None = None
    category: str | None = None
    quantity: Decimal | None = None
    price: Decimal = Decimal(0)


class _Purchase(_Typed, kw_only=True, rename="camel"):
    order_id: str | int
    status: OrderStatus = "completed"
    currency: str | None = None
    total: Decimal | None = None
    items: list[_Item] = []  # msgspec copies it


class _Ticket(_Typed, kw_only=True, rename="camel"):
    ticket_id: str | int
    action: TicketAction = "created"
    channel: str | None = None
    subject: str | None = None
    priority: str | None = None
    rating: int | None = None


class _Feedback(_Typed, kw_only=True, rename="camel"):
    kind: FeedbackKind
    score: int | None = None
    comment: str | None = None
    about: str | None = None


class _Batch(Struct, rename="camel"):
    batch: list[Raw] | None = None
    write_key: Scalar = None
    sent_at: str | float | None = None


class _Form(NamedTuple):
    """One path: how its objects are decoded and what they become."""

    type: EventType
    decoder: msgspec.json.Decoder[Any]
    bad: Reason
    content: Callable[[Any], dict[str, Any]]


_batch: Final = Batches(_Batch, "batch")
_CUSTOMER: Final = tuple(field.encode_name for field in msgspec.structs.fields(_Customer))
_list: Final = Batches(list[Raw])


class Typed(Dialect):
    """See `collectors.dialects.contract.Dialect`."""

    about = typed_doc.source_doc(_CUSTOMER)
    posts = frozenset({"/v1/purchases", "/v1/tickets", "/v1/feedback"})
    secret = frozenset({"/v1/purchases", "/v1/tickets"})

    def open(self, request: Request, body: bytes) -> Envelope:
        """One object, a list, or an object with a `batch`."""
        if body.lstrip()[:1] == b"[":
            items = reading.apart(reading.decode(_list, body))
            return Envelope(sent_key(request, None), None, items, False)
        text = reading.decode(_batch, body)
        key = sent_key(request, text.write_key)
        if text.batch is None:
            return Envelope(key, text.sent_at, [body], True)
        return Envelope(key, text.sent_at, reading.apart(text.batch), False)

    def read(self, item: bytes, default_id: str, sender: Sender) -> Read:
        """One object of the path's form."""
        form = _FORMS[sender.path]
        text = _decoded(form, item)
        own_time = reading.first(text.time)
        time = reading.event_time(own_time, sender.received_at)
        event = Event(
            type=form.type,
            message_id=reading.message_id(
                text.message_id, item, own_time is not None, default_id, sender.site
            ),
            site=sender.site,
            time=time,
            received_at=sender.received_at,
            corrected_time=reading.corrected(time, sender),
            anonymous_id=reading.identifier(text.anonymous_id, "anonymousId"),
            identifiers=_identifiers(text.customer),
            opt_out=sender.opt_out or text.opt_out,
            properties=reading.object_of(text.properties, "properties"),
            **form.content(text),
        )
        return Read(event)


def _decoded(form: _Form, item: bytes) -> Any:
    try:
        return reading.decode(form.decoder, item, form.bad)
    except Refused as refusal:
        choices = [words for field, words in _CHOICES.items() if field in refusal.detail]
        if not choices or not refusal.detail.startswith("Invalid enum value"):
            raise
        takes = ", ".join(get_args(choices[0]))
        raise Refused(refusal.reason, f"{refusal.detail}; it takes {takes}") from refusal


def _identifiers(customer: _Customer | None) -> tuple[str, ...]:
    if customer is None:
        return ()
    return reading.ranked(
        (
            _declared(identifiers.user_id, customer.user_id, "customer.userId"),
            _declared(identifiers.email, customer.email, "customer.email"),
            _declared(identifiers.phone, customer.phone, "customer.phone"),
            _declared(identifiers.crm, customer.crm_id, "customer.crmId"),
            _declared(identifiers.social, customer.social, "customer.social"),
        )
    )


def _declared(normalise: Callable[[str], str], value: str | int | None, name: str) -> str:
    word = reading.identifier(value, name)
    normal = normalise(word) if word else ""
    if word and not normal:
        raise Refused(Reason.BAD_IDENTIFIER, f"{name} is malformed")
    return normal


def _order(purchase: _Purchase) -> dict[str, Any]:
    if purchase.status == "completed" and purchase.total is None and not purchase.items:
        raise Refused(Reason.BAD_ORDER, "Neither `items` nor `total`")
    items = tuple(
        Item(
            product_id=orders.required(item.product_id, "productId"),
            name=orders.short(item.name, "name"),
            category=orders.short(item.category, "category"),
            quantity=orders.quantity(item.quantity),
            price=orders.money(item.price, "price"),
        )
        for item in purchase.items
    )
    total = (
        orders.sum_of(items) if purchase.total is None else orders.money(purchase.total, "total")
    )
    order = Order(
        order_id=orders.required(purchase.order_id, "orderId"),
        status=purchase.status,
        currency=orders.currency(purchase.currency),
        total=total,
        items=items,
    )
    return {"order": order}


def _ticket(draft: _Ticket) -> dict[str, Any]:
    if not draft.ticket_id:
        raise Refused(Reason.BAD_TICKET, "`ticketId` is empty")
    if (draft.rating is not None) != (draft.action == "rated"):
        raise Refused(Reason.BAD_TICKET, "`rating` belongs to the action `rated`, and only to it")
    if draft.rating is not None and draft.rating not in _RATINGS:
        raise Refused(Reason.BAD_TICKET, "`rating` is not from 1 to 5")
    ticket = Ticket(
        ticket_id=reading.identifier(draft.ticket_id, "ticketId"),
        action=draft.action,
        channel=reading.text(draft.channel, "channel"),
        subject=reading.text(draft.subject, "subject"),
        priority=reading.text(draft.priority, "priority"),
        rating=draft.rating,
    )
    return {"ticket": ticket}


def _feedback(draft: _Feedback) -> dict[str, Any]:
    scores = _SCORES[draft.kind]
    if (draft.score is None) == bool(scores) or (scores and draft.score not in scores):
        raise Refused(Reason.BAD_FEEDBACK, f"`score` does not fit `{draft.kind}`")
    feedback = Feedback(
        kind=draft.kind,
        score=draft.score,
        comment=reading.text(draft.comment, "comment"),
        about=reading.text(draft.about, "about"),
    )
    return {"feedback": feedback}


_FORMS: Final[dict[str, _Form]] = {
    "/v1/purchases": _Form("purchase", msgspec.json.Decoder(_Purchase), Reason.BAD_ORDER, _order),
    "/v1/tickets": _Form("ticket", msgspec.json.Decoder(_Ticket), Reason.BAD_TICKET, _ticket),
    "/v1/feedback": _Form(
        "feedback", msgspec.json.Decoder(_Feedback), Reason.BAD_FEEDBACK, _feedback
    ),
}
