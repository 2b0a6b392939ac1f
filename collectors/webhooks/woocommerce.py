"""WooCommerce: orders that are paid, cancelled, refunded.

An order is a purchase in the statuses that WooCommerce calls paid, at its creation. The site's own
time zone is not in the body: of each time the one in GMT is read. Every update tells the whole
order again; its facts keep their names. Meta data `footfall_anonymous_id` joins it to its visits.
"""

from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import Struct

from collectors.dialects.contract import Request
from collectors.dialects.reading import decode
from collectors.webhooks import payloads, signatures, woocommerce_doc
from collectors.webhooks.contract import PURCHASES, Fact
from schemas.rejects import Reason

_TOPICS: Final = frozenset({"order.created", "order.updated", "order.restored"})
_PAID: Final = frozenset({"processing", "completed"})
_META: Final = frozenset({payloads.DEVICE, "_" + payloads.DEVICE})


class _Billing(Struct):
    email: str | None = None
    phone: str | None = None


class _Line(Struct):
    product_id: int | None = None
    sku: str | None = None
    name: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None


class _Refund(Struct):
    id: int
    total: Decimal = Decimal(0)


class _Meta(Struct):
    key: Any = None
    value: Any = None


class _Order(Struct):
    id: int
    status: str
    date_created_gmt: str
    date_modified_gmt: str | None = None
    currency: str | None = None
    total: Decimal | None = None
    customer_id: int | None = None
    billing: _Billing | None = None
    line_items: list[_Line] = []  # msgspec copies it
    refunds: list[_Refund] = []
    meta_data: list[_Meta] = []


_order: Final = msgspec.json.Decoder(_Order)


class WooCommerce:
    """See `collectors.webhooks.contract.Vendor`."""

    name = "woocommerce"
    headers = frozenset({"x-wc-webhook-signature", "x-wc-webhook-topic"})
    about = woocommerce_doc.source_doc(_PAID)

    def verify(self, request: Request, secret: str) -> None:
        """Base64 of HMAC-SHA256 of the body."""
        text = request.headers.get("x-wc-webhook-signature", "")
        signatures.check(text, signatures.base64_of(secret.encode(), request.body))

    def read(self, request: Request, body: bytes) -> list[Fact]:
        """By the order's status; what is pending, on hold or failed tells nothing yet."""
        if request.headers.get("x-wc-webhook-topic") not in _TOPICS:
            return []
        order = decode(_order, body, Reason.BAD_ORDER)
        if order.status == "cancelled":
            return [_undone(order, "cancelled")]
        if order.status == "refunded":
            return [_undone(order, "refunded")]
        if order.status not in _PAID:
            return []
        return [_completed(order), *(_refunded(order, item) for item in order.refunds)]


def _completed(order: _Order) -> Fact:
    items = [
        payloads.line((item.product_id, item.sku), item.name, item.quantity, item.price)
        for item in order.line_items
        if item.quantity != 0
    ]
    devices = (
        item.value for item in order.meta_data if isinstance(item.key, str) and item.key in _META
    )
    own = {
        "total": order.total,
        "items": items,
        "anonymousId": payloads.device(next(devices, None)),
    }
    name = payloads.message_id("woocommerce", "completed", order.id)
    return _fact(order, "completed", name, order.date_created_gmt, own)


def _undone(order: _Order, status: str) -> Fact:
    name = payloads.message_id("woocommerce", status, order.id)
    return _fact(order, status, name, _modified(order), {"total": order.total})


def _refunded(order: _Order, refund: _Refund) -> Fact:
    """Part of the money; which goods it was for is not in the order."""
    amount = abs(refund.total)
    own = {"total": amount, "items": [payloads.adjustment(amount)]}
    name = payloads.message_id("woocommerce", "refund", refund.id)
    return _fact(order, "refunded", name, _modified(order), own)


def _modified(order: _Order) -> str:
    return order.date_modified_gmt or order.date_created_gmt


def _fact(order: _Order, status: str, name: str, time: str, own: dict[str, Any]) -> Fact:
    billing = order.billing or _Billing()
    body = own | {
        "messageId": name,
        "time": time,
        "orderId": str(order.id),
        "status": status,
        "currency": order.currency,
        "customer": payloads.customer(
            email=billing.email,
            phone=billing.phone,
            crm=payloads.crm("woocommerce", order.customer_id),
        ),
    }
    return Fact(PURCHASES, payloads.without_none(body))
