"""Stripe: checkouts that are paid, and charges that are refunded.

An order is called by its payment intent, which a session and its charge share. Sessions carry no
lines unless expanded. Metadata `footfall_anonymous_id` of the session joins it to its visits.
"""

from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from collectors.dialects.contract import Request
from collectors.dialects.reading import decode
from collectors.webhooks import payloads, signatures, stripe_doc
from collectors.webhooks.contract import PURCHASES, Fact
from schemas.rejects import Reason

_WHOLE: Final = frozenset(
    {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    }
)
_THOUSANDTHS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_SESSIONS: Final = ("checkout.session.completed", "checkout.session.async_payment_succeeded")
_REFUND: Final = "charge.refunded"


class _Data(Struct):
    object: Raw
    previous_attributes: Any = None


class _Notice(Struct):
    id: str
    type: str
    created: int
    data: _Data


class _Details(Struct):
    email: str | None = None
    phone: str | None = None


class _Session(Struct):
    id: str
    created: int
    payment_intent: Any = None
    invoice: Any = None
    payment_status: str | None = None
    amount_total: int | None = None
    currency: str | None = None
    customer: Any = None
    customer_email: str | None = None
    customer_details: _Details | None = None
    metadata: dict[str, Any] | None = None


class _Charge(Struct):
    id: str
    amount_refunded: int
    refunded: bool
    currency: str
    payment_intent: Any = None
    invoice: Any = None
    customer: Any = None
    billing_details: _Details | None = None


_notice: Final = msgspec.json.Decoder(_Notice)
_session: Final = msgspec.json.Decoder(_Session)
_charge: Final = msgspec.json.Decoder(_Charge)


class Stripe:
    """See `collectors.webhooks.contract.Vendor`."""

    name = "stripe"
    headers = frozenset({"stripe-signature"})
    about = stripe_doc.source_doc(_SESSIONS, _REFUND)

    def verify(self, request: Request, secret: str) -> None:
        """`t=…,v1=…[,v1=…]`: HMAC-SHA256 in hex of time, dot and body."""
        pairs = [
            part.strip().partition("=")
            for part in request.headers.get("stripe-signature", "").split(",")
        ]
        time = next((value for name, _, value in pairs if name == "t"), "")
        signature = time.encode() + b"." + request.body
        text = [value for name, _, value in pairs if name == "v1"]
        signatures.check_any(text, signatures.hex_of(secret.encode(), signature))
        signatures.check_fresh(signatures.seconds(time), request.received_at)

    def read(self, request: Request, body: bytes) -> list[Fact]:
        """By the notice's type; every other type tells nothing."""
        notice = decode(_notice, body)
        content = bytes(notice.data.object)
        if notice.type in _SESSIONS:
            return _completed(decode(_session, content, Reason.BAD_ORDER))
        if notice.type == _REFUND:
            charge = decode(_charge, content, Reason.BAD_ORDER)
            return [_refunded(charge, notice)]
        return []


def _completed(session: _Session) -> list[Fact]:
    """An unpaid session will be told again when its payment came through."""
    if session.payment_status == "unpaid" or session.amount_total is None:
        return []
    details = session.customer_details or _Details()
    order = _id(session.payment_intent) or _id(session.invoice) or session.id
    body = {
        "messageId": payloads.message_id("stripe", "completed", session.id),
        "time": session.created * 1000,
        "orderId": order,
        "currency": session.currency,
        "total": amount(session.amount_total, session.currency or ""),
        "anonymousId": payloads.device((session.metadata or {}).get(payloads.DEVICE)),
        "customer": payloads.customer(
            email=details.email or session.customer_email,
            phone=details.phone,
            crm=payloads.crm("stripe", _id(session.customer)),
        ),
    }
    return [Fact(PURCHASES, payloads.without_none(body))]


def _refunded(charge: _Charge, notice: _Notice) -> Fact:
    details = charge.billing_details or _Details()
    total = amount(charge.amount_refunded - _before(notice), charge.currency)
    body = {
        "messageId": payloads.message_id("stripe", notice.id),
        "time": notice.created * 1000,
        "orderId": _id(charge.payment_intent) or _id(charge.invoice) or charge.id,
        "status": "refunded",
        "currency": charge.currency,
        "total": total,
        "items": [] if charge.refunded else [payloads.adjustment(total)],
        "customer": payloads.customer(
            email=details.email,
            phone=details.phone,
            crm=payloads.crm("stripe", _id(charge.customer)),
        ),
    }
    return Fact(PURCHASES, payloads.without_none(body))


def _before(notice: _Notice) -> int:
    """`amount_refunded` is a running sum; the notice says what it was."""
    before = notice.data.previous_attributes
    value = before.get("amount_refunded") if isinstance(before, dict) else None
    return value if isinstance(value, int) else 0


def amount(minor: int, currency: str) -> Decimal:
    """An amount in a currency's smallest unit as Stripe counts it → in the currency itself."""
    code = currency.upper()
    if code in _WHOLE:
        return Decimal(minor)
    return Decimal(minor).scaleb(-3 if code in _THOUSANDTHS else -2)


def _id(value: Any) -> str:
    """An id, or the id of an expanded object."""
    matches = value.get("id") if isinstance(value, dict) else value
    return matches if isinstance(matches, str) else ""
