"""Deliveries in the shapes that the vendors document, and the events they are."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from collectors.dialects.contract import Request
from collectors.enrichment import PLAIN, Enricher
from collectors.webhooks import generic
from collectors.webhooks.router import Router
from schemas.events import Event, Item, Order, Ticket

NOW = 1_795_255_200_000
"""2026-11-21T10:00:00Z."""
AT = 1_795_251_600_000
"""2026-11-21T09:00:00Z, when most of what is told happened."""
SITE = "shop"
SECRET = "hush-hush"
STANDARD = "whsec_" + base64.b64encode(b"k" * 24).decode()
SECRETS = {"billing": STANDARD}

BILLING = """
name = "billing"
kind = "purchases"
scheme = "standard"
[fields]
orderId = "data.invoice.id"
status = "data.state"
time = "data.paid_at"
email = "data.client.0.mail"
total = "data.sum"
[items]
list = "data.lines"
productId = "sku"
quantity = "count"
price = "unit.amount"
[constants]
currency = "EUR"
[values.status]
paid = "completed"
void = "cancelled"
[time]
zone = "Europe/Berlin"
"""
SURVEYS = """
name = "surveys"
kind = "feedback"
scheme = "secret"
[fields]
score = "answer.score"
comment = "answer.text"
email = "who"
time = "at"
[constants]
kind = "nps"
[time]
format = "s"
"""


def secret_of(vendor: str) -> str:
    return SECRETS.get(vendor, SECRET)


def router(enricher: Enricher = PLAIN, **secrets: list[str]) -> Router:
    """All vendors, with their secrets for SITE."""
    from collectors.webhooks import ALL

    vendors = (*ALL, generic.parse(BILLING), generic.parse(SURVEYS))
    given = {(one.name, SITE): secrets.get(one.name, [secret_of(one.name)]) for one in vendors}
    return Router(vendors, given, enricher)


def _b64(secret: str, message: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), message, hashlib.sha256)).decode()


def _shopify(body: bytes, secret: str, now: int) -> dict[str, str]:
    return {"x-shopify-hmac-sha256": _b64(secret, body)}


def _woocommerce(body: bytes, secret: str, now: int) -> dict[str, str]:
    return {"x-wc-webhook-signature": _b64(secret, body)}


def _stripe(body: bytes, secret: str, now: int) -> dict[str, str]:
    time = str(now // 1000)
    signed = hmac.digest(secret.encode(), f"{time}.".encode() + body, hashlib.sha256).hex()
    return {"stripe-signature": f"t={time},v1={signed}"}


def _zendesk(body: bytes, secret: str, now: int) -> dict[str, str]:
    from datetime import UTC, datetime

    time = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "x-zendesk-webhook-signature": _b64(secret, time.encode() + body),
        "x-zendesk-webhook-signature-timestamp": time,
    }


def _shared(body: bytes, secret: str, now: int) -> dict[str, str]:
    return {"x-webhook-secret": secret}


def _intercom(body: bytes, secret: str, now: int) -> dict[str, str]:
    return {"x-hub-signature": "sha1=" + hmac.digest(secret.encode(), body, "sha1").hex()}


def _standard(body: bytes, secret: str, now: int) -> dict[str, str]:
    time = str(now // 1000)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = base64.b64encode(hmac.digest(key, f"msg_1.{time}.".encode() + body, "sha256")).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": time, "webhook-signature": f"v1,{signed}"}


SIGN: dict[str, Callable[[bytes, str, int], dict[str, str]]] = {
    "shopify": _shopify,
    "woocommerce": _woocommerce,
    "stripe": _stripe,
    "zendesk": _zendesk,
    "freshdesk": _shared,
    "intercom": _intercom,
    "billing": _standard,
    "surveys": _shared,
}
SIGNED = ("shopify", "woocommerce", "stripe", "zendesk", "intercom", "billing")
"""Those that sign the body."""
TIMED = ("stripe", "zendesk", "billing")
"""Those that sign a time too."""


def delivery(
    vendor: str,
    body: Any,
    topic: str = "",
    *,
    now: int = NOW,
    signed_at: int | None = None,
    secret: str | None = None,
    site: str = SITE,
) -> Request:
    """A signed request, as it comes to the endpoint at `now`."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    at = now if signed_at is None else signed_at
    headers = SIGN[vendor](data, secret_of(vendor) if secret is None else secret, at)
    if topic:
        headers[{"shopify": "x-shopify-topic", "woocommerce": "x-wc-webhook-topic"}[vendor]] = topic
    return Request(f"/webhooks/{vendor}/{site}", "", headers, data, now, "nonce")


class Sample(NamedTuple):
    """A delivery and what it tells."""

    name: str
    vendor: str
    topic: str
    body: dict[str, Any]
    events: list[Event]


def _event(kind: Any, message_id: str, time: int, *identifiers: str, **more: Any) -> Event:
    return Event(
        type=kind,
        message_id=message_id,
        site=SITE,
        time=time,
        received_at=NOW,
        corrected_time=time,
        identifiers=identifiers,
        **more,
    )


SHOPIFY_ORDER: dict[str, Any] = {
    "id": 5208334008572,
    "order_number": 1042,
    "name": "#1042",
    "test": False,
    "email": "Jane@Example.com",
    "contact_email": "jane@example.com",
    "phone": None,
    "created_at": "2026-11-21T04:00:00-05:00",
    "updated_at": "2026-11-21T04:00:02-05:00",
    "cancelled_at": None,
    "currency": "USD",
    "total_price": "59.95",
    "subtotal_price": "54.95",
    "financial_status": "paid",
    "fulfillment_status": None,
    "note_attributes": [
        {"name": "gift", "value": "yes"},
        {"name": "footfall_anonymous_id", "value": "browser-1"},
    ],
    "client_details": {"browser_ip": "203.0.113.9", "user_agent": "Mozilla/5.0"},
    "customer": {"id": 7777777777, "email": "jane@example.com", "phone": "+1 (212) 555-0100"},
    "line_items": [
        {
            "id": 1,
            "product_id": 98765432109876,
            "variant_id": 11,
            "sku": "TEA-L",
            "title": "Assam ☕",
            "name": "Assam ☕ — 250 g",
            "quantity": 2,
            "price": "24.90",
        },
        {
            "id": 2,
            "product_id": None,
            "sku": "WRAP",
            "title": "Gift wrap",
            "quantity": 1,
            "price": "5.15",
        },
        {
            "id": 3,
            "product_id": 4,
            "sku": "GONE",
            "title": "Taken out",
            "quantity": 0,
            "price": "9.00",
        },
    ],
}
_JANE = ("email:jane@example.com", "phone:+12125550100", "crm:shopify:7777777777")
_SHOPIFY_ITEMS = (
    Item("98765432109876", "Assam ☕", quantity=2, price=Decimal("24.90")),
    Item("WRAP", "Gift wrap", price=Decimal("5.15")),
)
SHOPIFY_REFUND: dict[str, Any] = {
    "id": 890088186047,
    "order_id": 5208334008572,
    "created_at": "2026-11-21T10:00:00+01:00",
    "note": "broken",
    "user_id": 1,
    "refund_line_items": [
        {
            "id": 9,
            "quantity": 1,
            "line_item_id": 1,
            "subtotal": 24.9,
            "total_tax": 2.0,
            "line_item": {
                "id": 1,
                "product_id": 98765432109876,
                "title": "Assam ☕",
                "quantity": 2,
                "price": "24.90",
            },
        },
    ],
    "transactions": [
        {"id": 4, "amount": "26.90", "kind": "refund", "status": "success", "currency": "USD"}
    ],
}
WOO_ORDER: dict[str, Any] = {
    "id": 727,
    "parent_id": 0,
    "number": "727",
    "status": "processing",
    "currency": "EUR",
    "date_created": "2026-11-21T10:00:00",
    "date_created_gmt": "2026-11-21T09:00:00",
    "date_modified": "2026-11-21T10:05:00",
    "date_modified_gmt": "2026-11-21T09:05:00",
    "total": "29.35",
    "customer_id": 26,
    "customer_ip_address": "203.0.113.9",
    "billing": {"first_name": "José", "email": "jose@example.com", "phone": "0049 30 5550100"},
    "meta_data": [
        {"id": 1, "key": "_footfall_anonymous_id", "value": "browser-2"},
        {"id": 2, "key": "_other", "value": {"deep": [1]}},
    ],
    "line_items": [
        {
            "id": 315,
            "name": "Café crème",
            "product_id": 93,
            "variation_id": 0,
            "quantity": 2,
            "total": "13.30",
            "sku": "BAR3",
            "price": 6.65,
        },
        {
            "id": 316,
            "name": "Mug",
            "product_id": 0,
            "quantity": 1,
            "total": "16.05",
            "sku": "MUG",
            "price": 16.0500000001,
        },
    ],
    "refunds": [],
}
_JOSE = ("email:jose@example.com", "phone:+49305550100", "crm:woocommerce:26")
_WOO_DONE = Order(
    "727",
    "completed",
    "EUR",
    Decimal("29.35"),
    (
        Item("93", "Café crème", quantity=2, price=Decimal("6.65")),
        Item("MUG", "Mug", price=Decimal("16.0500")),
    ),
)
STRIPE_SESSION: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "api_version": "2024-06-20",
    "created": 1795251660,
    "type": "checkout.session.completed",
    "livemode": True,
    "data": {
        "object": {
            "id": "cs_live_1",
            "object": "checkout.session",
            "amount_subtotal": 2198,
            "amount_total": 2198,
            "currency": "usd",
            "created": 1795251600,
            "customer": "cus_9",
            "customer_details": {"email": "ann@example.com", "name": "Ann", "phone": None},
            "customer_email": None,
            "metadata": {"footfall_anonymous_id": "browser-3"},
            "mode": "payment",
            "payment_intent": "pi_1",
            "payment_status": "paid",
            "status": "complete",
        }
    },
}
STRIPE_REFUND: dict[str, Any] = {
    "id": "evt_2",
    "object": "event",
    "created": 1795251600,
    "type": "charge.refunded",
    "data": {
        "object": {
            "id": "ch_1",
            "object": "charge",
            "amount": 9000,
            "amount_refunded": 5000,
            "billing_details": {"email": "ann@example.com", "phone": None},
            "currency": "jpy",
            "customer": None,
            "payment_intent": "pi_2",
            "refunded": False,
        },
        "previous_attributes": {"amount_refunded": 2000, "refunds": {"data": []}},
    },
}
ZENDESK: dict[str, Any] = {
    "account_id": 22129848,
    "id": "2b24ef10-19d4-4740-93cf-8f98ec4776c0",
    "type": "zen:event-type:ticket.status_changed",
    "subject": "zen:ticket:5158",
    "time": "2026-11-21T09:00:00.25Z",
    "zendesk_event_version": "2022-11-06",
    "detail": {
        "id": "5158",
        "actor_id": "8447388090494",
        "requester_id": "8447388090494",
        "created_at": "2026-11-20T09:00:00Z",
        "updated_at": "2026-11-21T09:00:00Z",
        "priority": "HIGH",
        "status": "SOLVED",
        "subject": "Broken cup ☕",
        "is_public": True,
        "via": {"channel": "web_service"},
    },
    "event": {"current": "SOLVED", "previous": "OPEN"},
}
FRESHDESK: dict[str, Any] = {
    "freshdesk_webhook": {
        "ticket_id": 91,
        "ticket_subject": "Où est mon thé ?",
        "ticket_status": "Resolved",
        "ticket_priority": "Medium",
        "ticket_source": "Email",
        "ticket_requester_email": "zoé@example.com",
        "ticket_requester_phone": "030 555 0100",
        "triggered_event": "{status:{from:2,to:4}}",
    }
}
INTERCOM: dict[str, Any] = {
    "type": "notification_event",
    "app_id": "abc",
    "id": "notif_1",
    "topic": "conversation.rating.added",
    "delivery_attempts": 1,
    "first_sent_at": 1795251601,
    "created_at": 1795251600,
    "data": {
        "type": "notification_event_data",
        "item": {
            "type": "conversation",
            "id": "147",
            "created_at": 1795000000,
            "state": "closed",
            "priority": "not_priority",
            "source": {
                "type": "conversation",
                "subject": "",
                "author": {"type": "user", "id": "6329", "name": "Kim", "email": "kim@example.com"},
            },
            "contacts": {
                "type": "contact.list",
                "contacts": [{"type": "contact", "id": "6329", "external_id": "user-42"}],
            },
            "conversation_rating": {"rating": 2, "remark": "slow", "created_at": 1795251600},
            "custom_attributes": {"footfall_anonymous_id": "browser-4"},
        },
    },
}
BILLED: dict[str, Any] = {
    "data": {
        "state": "paid",
        "paid_at": "2026-11-21 10:00:00",
        "sum": 0.30,
        "invoice": {"id": "R-7"},
        "client": [{"mail": "Bo@Example.com"}],
        "lines": [{"sku": "a", "count": 3, "unit": {"amount": 0.10}}],
    }
}
SURVEY: dict[str, Any] = {
    "answer": {"score": 3, "text": "meh"},
    "who": "bo@example.com",
    "at": 1795251600,
}


def _sample(
    name: str, vendor: str, topic: str, body: dict[str, Any], *events: Event, **changed: Any
) -> Sample:
    return Sample(name, vendor, topic, body | changed, list(events))


def _item_of(topic: str) -> dict[str, Any]:
    return INTERCOM | {"topic": topic}


def _zendesk_event(action: Any) -> Event:
    return _event(
        "ticket",
        "zendesk:2b24ef10-19d4-4740-93cf-8f98ec4776c0",
        AT + 250,
        "crm:zendesk:8447388090494",
        ticket=Ticket("5158", action, "web_service", "Broken cup ☕", "HIGH"),
    )


def _intercom_event(action: Any) -> Event:
    return _event(
        "ticket",
        "intercom:notif_1",
        AT,
        "user_id:user-42",
        "email:kim@example.com",
        "crm:intercom:6329",
        anonymous_id="browser-4",
        ticket=Ticket("147", action, "conversation", "", "not_priority"),
    )


def _zendesk_body(kind: str, **event: Any) -> dict[str, Any]:
    return {"type": f"zen:event-type:ticket.{kind}", "event": event}


_STAFF = {"author": {"id": "1", "is_staff": True, "name": "Desk"}, "is_public": True, "body": "Hi"}

SAMPLES: list[Sample] = [
    _sample(
        "a paid order",
        "shopify",
        "orders/create",
        SHOPIFY_ORDER,
        _event(
            "purchase",
            "shopify:completed:5208334008572",
            AT,
            *_JANE,
            anonymous_id="browser-1",
            order=Order("5208334008572", "completed", "USD", Decimal("59.95"), _SHOPIFY_ITEMS),
        ),
    ),
    _sample(
        "an order that waits for its money",
        "shopify",
        "orders/create",
        SHOPIFY_ORDER,
        financial_status="pending",
    ),
    _sample("a test order", "shopify", "orders/create", SHOPIFY_ORDER, test=True),
    _sample(
        "a cancelled order",
        "shopify",
        "orders/cancelled",
        SHOPIFY_ORDER,
        _event(
            "purchase",
            "shopify:cancelled:5208334008572",
            AT + 60_000,
            *_JANE,
            anonymous_id="browser-1",
            order=Order("5208334008572", "cancelled", "USD", Decimal("59.95"), _SHOPIFY_ITEMS),
        ),
        cancelled_at="2026-11-21T09:01:00Z",
        financial_status="voided",
    ),
    _sample(
        "a refund of one piece",
        "shopify",
        "refunds/create",
        SHOPIFY_REFUND,
        _event(
            "purchase",
            "shopify:refund:890088186047",
            AT,
            order=Order(
                "5208334008572",
                "refunded",
                "USD",
                Decimal("26.90"),
                (Item("98765432109876", "Assam ☕", price=Decimal("24.90")),),
            ),
        ),
    ),
    _sample(
        "a refund of money alone",
        "shopify",
        "refunds/create",
        SHOPIFY_REFUND,
        _event(
            "purchase",
            "shopify:refund:890088186047",
            AT,
            order=Order(
                "5208334008572",
                "refunded",
                "USD",
                Decimal("26.90"),
                (Item("adjustment", "Refund of money alone", price=Decimal("26.90")),),
            ),
        ),
        refund_line_items=[],
    ),
    _sample("another topic", "shopify", "products/update", {"id": 1}),
    _sample(
        "a paid order",
        "woocommerce",
        "order.updated",
        WOO_ORDER,
        _event(
            "purchase",
            "woocommerce:completed:727",
            AT,
            *_JOSE,
            anonymous_id="browser-2",
            order=_WOO_DONE,
        ),
    ),
    _sample("a pending order", "woocommerce", "order.created", WOO_ORDER, status="pending"),
    _sample(
        "an order refunded in part",
        "woocommerce",
        "order.updated",
        WOO_ORDER,
        _event(
            "purchase",
            "woocommerce:completed:727",
            AT,
            *_JOSE,
            anonymous_id="browser-2",
            order=_WOO_DONE,
        ),
        _event(
            "purchase",
            "woocommerce:refund:728",
            AT + 300_000,
            *_JOSE,
            order=Order(
                "727",
                "refunded",
                "EUR",
                Decimal("6.65"),
                (Item("adjustment", "Refund of money alone", price=Decimal("6.65")),),
            ),
        ),
        refunds=[{"id": 728, "reason": "", "total": "-6.65"}],
    ),
    _sample(
        "a refunded order",
        "woocommerce",
        "order.updated",
        WOO_ORDER,
        _event(
            "purchase",
            "woocommerce:refunded:727",
            AT + 300_000,
            *_JOSE,
            order=Order("727", "refunded", "EUR", Decimal("29.35")),
        ),
        status="refunded",
    ),
    _sample(
        "a cancelled order",
        "woocommerce",
        "order.updated",
        WOO_ORDER,
        _event(
            "purchase",
            "woocommerce:cancelled:727",
            AT + 300_000,
            *_JOSE,
            order=Order("727", "cancelled", "EUR", Decimal("29.35")),
        ),
        status="cancelled",
    ),
    _sample(
        "a guest's order",
        "woocommerce",
        "order.updated",
        WOO_ORDER,
        _event(
            "purchase",
            "woocommerce:completed:727",
            AT,
            "email:jose@example.com",
            anonymous_id="browser-2",
            order=_WOO_DONE,
        ),
        customer_id=0,
        billing={"email": "jose@example.com", "phone": "n/a"},
    ),
    _sample(
        "a paid checkout",
        "stripe",
        "",
        STRIPE_SESSION,
        _event(
            "purchase",
            "stripe:completed:cs_live_1",
            AT,
            "email:ann@example.com",
            "crm:stripe:cus_9",
            anonymous_id="browser-3",
            order=Order("pi_1", "completed", "USD", Decimal("21.98")),
        ),
    ),
    _sample(
        "a checkout that waits for its money",
        "stripe",
        "",
        STRIPE_SESSION,
        data={"object": STRIPE_SESSION["data"]["object"] | {"payment_status": "unpaid"}},
    ),
    _sample(
        "a refund in part of a currency without cents",
        "stripe",
        "",
        STRIPE_REFUND,
        _event(
            "purchase",
            "stripe:evt_2",
            AT,
            "email:ann@example.com",
            order=Order(
                "pi_2",
                "refunded",
                "JPY",
                Decimal(3000),
                (Item("adjustment", "Refund of money alone", price=Decimal(3000)),),
            ),
        ),
    ),
    _sample(
        "a refund in full",
        "stripe",
        "",
        STRIPE_REFUND,
        _event(
            "purchase",
            "stripe:evt_2",
            AT,
            "email:ann@example.com",
            order=Order("pi_2", "refunded", "EUR", Decimal("50.00")),
        ),
        data={"object": STRIPE_REFUND["data"]["object"] | {"refunded": True, "currency": "eur"}},
    ),
    _sample("another type", "stripe", "", STRIPE_REFUND, type="charge.succeeded"),
    _sample("a solved ticket", "zendesk", "", ZENDESK, _zendesk_event("solved")),
    _sample(
        "a ticket opened again",
        "zendesk",
        "",
        ZENDESK,
        _zendesk_event("reopened"),
        **_zendesk_body("status_changed", previous="SOLVED", current="OPEN"),
    ),
    _sample(
        "a ticket closed after it was solved",
        "zendesk",
        "",
        ZENDESK,
        **_zendesk_body("status_changed", previous="SOLVED", current="CLOSED"),
    ),
    _sample(
        "a new ticket",
        "zendesk",
        "",
        ZENDESK,
        _zendesk_event("created"),
        **_zendesk_body("created"),
    ),
    _sample(
        "an answer",
        "zendesk",
        "",
        ZENDESK,
        _zendesk_event("answered"),
        **_zendesk_body("comment_added", comment=_STAFF),
    ),
    _sample(
        "a note among agents",
        "zendesk",
        "",
        ZENDESK,
        **_zendesk_body("comment_added", comment=_STAFF | {"is_public": False}),
    ),
    _sample(
        "a customer's comment",
        "zendesk",
        "",
        ZENDESK,
        **_zendesk_body("comment_added", comment=_STAFF | {"author": {"is_staff": False}}),
    ),
    _sample(
        "conversation begun",
        "intercom",
        "",
        _item_of("conversation.user.created"),
        _intercom_event("created"),
    ),
    _sample(
        "conversation answered",
        "intercom",
        "",
        _item_of("conversation.admin.replied"),
        _intercom_event("answered"),
    ),
    _sample(
        "conversation closed",
        "intercom",
        "",
        _item_of("conversation.admin.closed"),
        _intercom_event("solved"),
    ),
    _sample(
        "conversation opened again",
        "intercom",
        "",
        _item_of("conversation.admin.opened"),
        _intercom_event("reopened"),
    ),
    _sample("a ping", "intercom", "", _item_of("ping"), data={"item": {"type": "ping"}}),
    _sample("a state not mapped", "billing", "", {"data": BILLED["data"] | {"state": "draft"}}),
    _sample(
        "a paid invoice",
        "billing",
        "",
        BILLED,
        _event(
            "purchase",
            "billing:completed:R-7",
            AT,
            "email:bo@example.com",
            order=Order(
                "R-7",
                "completed",
                "EUR",
                Decimal("0.3"),
                (Item("a", quantity=3, price=Decimal("0.1")),),
            ),
        ),
    ),
]
