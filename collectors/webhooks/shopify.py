"""Shopify: orders that are paid, cancelled, refunded.

An order counts once it is paid or authorised, at its creation; `orders/create` and `orders/paid` of
one order are one fact. A cart attribute `footfall_anonymous_id` joins the order to its visits; cart
attributes are the visitor's own to write, so none names a customer.
"""

from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import Struct

from collectors.dialects.contract import Request
from collectors.dialects.reading import decode
from collectors.webhooks import payloads, shopify_doc, signatures
from collectors.webhooks.contract import PURCHASES, Fact
from schemas.events import OrderStatus
from schemas.rejects import Reason

_PAID: Final = frozenset({"paid", "authorized", "partially_paid", "partially_refunded", "refunded"})
_ORDERS: Final[dict[str, OrderStatus]] = {
    "orders/create": "completed",
    "orders/paid": "completed",
    "orders/cancelled": "cancelled",
}


class _Line(Struct):
    product_id: int | str | None = None
    sku: str | None = None
    title: str | None = None
    name: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None


class _Customer(Struct):
    id: int | str | None = None
    email: str | None = None
    phone: str | None = None


class _Attribute(Struct):
    name: Any = None
    value: Any = None


class _Order(Struct):
    id: int
    created_at: str
    cancelled_at: str | None = None
    test: bool | None = None
    email: str | None = None
    contact_email: str | None = None
    phone: str | None = None
    currency: str | None = None
    total_price: Decimal | None = None
    financial_status: str | None = None
    customer: _Customer | None = None
    line_items: list[_Line] = []  # msgspec copies it
    note_attributes: list[_Attribute] | None = None


class _Returned(Struct):
    line_item: _Line
    quantity: Decimal | None = None
    subtotal: Decimal = Decimal(0)
    total_tax: Decimal = Decimal(0)


class _Transaction(Struct):
    amount: Decimal = Decimal(0)
    kind: str | None = None
    status: str | None = None
    currency: str | None = None


class _Refund(Struct):
    id: int
    order_id: int
    created_at: str
    refund_line_items: list[_Returned] = []
    transactions: list[_Transaction] = []


_order: Final = msgspec.json.Decoder(_Order)
_refund: Final = msgspec.json.Decoder(_Refund)


_TOPICS: Final = (*_ORDERS, "refunds/create")


class Shopify:
    """See `collectors.webhooks.contract.Vendor`."""

    name = "shopify"
    headers = frozenset({"x-shopify-hmac-sha256", "x-shopify-topic"})
    about = shopify_doc.source_doc(_ORDERS, _TOPICS)

    def verify(self, request: Request, secret: str) -> None:
        """Base64 of HMAC-SHA256 of the body."""
        text = request.headers.get("x-shopify-hmac-sha256", "")
        signatures.check(text, signatures.base64_of(secret.encode(), request.body))

    def read(self, request: Request, body: bytes) -> list[Fact]:
        """By topic; every other topic tells nothing."""
        topic = request.headers.get("x-shopify-topic", "")
        if topic == "refunds/create":
            return _refunded(decode(_refund, body, Reason.BAD_ORDER))
        status = _ORDERS.get(topic)
        return [] if status is None else _ordered(decode(_order, body, Reason.BAD_ORDER), status)


def _ordered(order: _Order, status: OrderStatus) -> list[Fact]:
    if order.test or (status == "completed" and order.financial_status not in _PAID):
        return []
    person = order.customer or _Customer()
    attributes = {
        item.name: item.value for item in order.note_attributes or () if isinstance(item.name, str)
    }
    cancelled = status == "cancelled"
    body = {
        "messageId": payloads.message_id("shopify", status, order.id),
        "time": (order.cancelled_at or order.created_at) if cancelled else order.created_at,
        "orderId": str(order.id),
        "status": status,
        "currency": order.currency,
        "total": order.total_price,
        "items": [_line(item) for item in order.line_items if item.quantity != 0],
        "anonymousId": payloads.device(attributes.get(payloads.DEVICE)),
        "customer": payloads.customer(
            email=order.email or order.contact_email or person.email,
            phone=order.phone or person.phone,
            crm=payloads.crm("shopify", person.id),
        ),
    }
    return [Fact(PURCHASES, payloads.without_none(body))]


def _refunded(refund: _Refund) -> list[Fact]:
    paid = [
        item for item in refund.transactions if item.kind == "refund" and item.status == "success"
    ]
    goods = sum((item.subtotal + item.total_tax for item in refund.refund_line_items), Decimal(0))
    total = sum((item.amount for item in paid), Decimal(0)) if paid else goods
    items = [
        _line(item.line_item, item.quantity)
        for item in refund.refund_line_items
        if item.quantity != 0
    ]
    body = {
        "messageId": payloads.message_id("shopify", "refund", refund.id),
        "time": refund.created_at,
        "orderId": str(refund.order_id),
        "status": "refunded",
        "currency": next((item.currency for item in paid), None),
        "total": total,
        "items": items or [payloads.adjustment(total)],
    }
    return [Fact(PURCHASES, payloads.without_none(body))]


def _line(line: _Line, quantity: Decimal | None = None) -> dict[str, Any]:
    ids = (line.product_id, line.sku)
    return payloads.line(ids, line.title or line.name, quantity or line.quantity, line.price)
