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
from collectors.source_doc import Becomes, Example, Link, SourceDoc
from collectors.webhooks import payloads, signatures
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


_ABOUT: Final = SourceDoc(
    title="Stripe",
    purpose="Checkouts that are paid and charges that are refunded, for shops that sell by Stripe.",
    connect="paste a URL under Developers → Webhooks",
    brings=("purchases",),
    becomes=(
        *(
            Becomes(f"`{one}`", "a purchase that is completed, once the session is paid")
            for one in _SESSIONS
        ),
        Becomes(f"`{_REFUND}`", "its refund, of the amount that came back this time"),
    ),
    not_taken=(
        "Sessions that are not paid: Stripe tells again when the money came.",
        "The lines of a session: Stripe does not send them.",
        "Every other event: it is answered with 200 and tells nothing.",
    ),
    steps=(
        "In Stripe's dashboard open Developers (Workbench) → Webhooks → Create an event destination, for "
        "your own account, with snapshot payloads.",
        "Choose the events below and the destination “Webhook endpoint” with this URL: `{hook}`.",
        "Its page shows the signing secret (`whsec_…`): that is the secret.",
    ),
    topics=(*_SESSIONS, _REFUND),
    examples=(
        Example(
            """time=$(date +%s)
body='{"id": "evt_1", "type": "checkout.session.completed", "created": 1795251660,
  "data": {"object": {"id": "cs_1", "created": 1795251600, "payment_status": "paid",
    "payment_intent": "pi_1", "amount_total": 4980, "currency": "eur",
    "customer_details": {"email": "ada@example.org"}}}}'
curl {hook} -d "$body" -H "Stripe-Signature: t=$time,v1=$(
  printf %s "$time.$body" | openssl dgst -sha256 -hmac '{secret}' -r | cut -d' ' -f1)\"""",
            ("purchase",),
        ),
    ),
    notes=(
        "The order is called by its payment intent, which a session and its charge share.",
        f"A session's metadata `{payloads.DEVICE}` with the visitor's anonymous id (of the snippet: "
        "`localStorage.ff_id`) joins it to the visits before it; without it the e-mail address does.",
        "A shop whose orders come by Shopify or WooCommerce as well counts them twice: connect one.",
    ),
    documentation=(
        Link("Webhooks", "https://docs.stripe.com/webhooks"),
        Link("Signature", "https://docs.stripe.com/webhooks#verify-manually"),
        Link("Sessions", "https://docs.stripe.com/api/checkout/sessions/object"),
        Link("Charges", "https://docs.stripe.com/api/charges/object"),
        Link("Amounts", "https://docs.stripe.com/currencies#zero-decimal"),
    ),
)


class Stripe:
    """See `collectors.webhooks.contract.Vendor`."""

    name = "stripe"
    headers = frozenset({"stripe-signature"})
    about = _ABOUT

    def verify(self, request: Request, secret: str) -> None:
        """`t=…,v1=…[,v1=…]`: HMAC-SHA256 in hex of time, dot and body."""
        pairs = [
            part.strip().partition("=")
            for part in request.headers.get("stripe-signature", "").split(",")
        ]
        time = next((value for name, _, value in pairs if name == "t"), "")
        signed = time.encode() + b"." + request.body
        given = [value for name, _, value in pairs if name == "v1"]
        signatures.check_any(given, signatures.hex_of(secret.encode(), signed))
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
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""
