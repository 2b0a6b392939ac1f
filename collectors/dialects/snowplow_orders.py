"""Purchases in Snowplow's three ways of telling them → an order as Segment's spec writes it.

`snowplow_ecommerce_action` with a `transaction` or `refund` entity and `product` entities;
Google's enhanced e-commerce `action` with `actionFieldObject` and `productFieldObject` entities;
the older `tr` event with `ti` events beside it.

A tracker that sends each event by itself (every GET does) sends a `tr` without its `ti`. The `tr` is
the purchase then, with its total and no lines, and each `ti` an event `transaction_item` that says
what was bought: no request knows of another, and an order reported line by line would count as one
of its first line. Where lines matter, let the tracker send several events per POST.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec
from msgspec import Raw, Struct, field

from collectors import limits, orders
from collectors.dialects import reading
from collectors.dialects.contract import Refused
from collectors.dialects.snowplow_entities import Described, Value, these, word
from schemas.events import Order
from schemas.rejects import Reason

_OURS: Final = "com.snowplowanalytics.snowplow.ecommerce"
_GOOGLES: Final = "com.google.analytics.enhanced-ecommerce"

S = TypeVar("S")


class _Way(NamedTuple):
    """One kind of e-commerce action: its Segment event, and where order and products stand."""

    event: str
    order: str
    product: str


_WAYS: Final = {
    (f"{_OURS}/snowplow_ecommerce_action", "transaction"): _Way(
        "Order Completed", f"{_OURS}/transaction", f"{_OURS}/product"
    ),
    (f"{_OURS}/snowplow_ecommerce_action", "refund"): _Way(
        "Order Refunded", f"{_OURS}/refund", f"{_OURS}/product"
    ),
    (f"{_GOOGLES}/action", "purchase"): _Way(
        "Order Completed", f"{_GOOGLES}/actionFieldObject", f"{_GOOGLES}/productFieldObject"
    ),
    (f"{_GOOGLES}/action", "refund"): _Way(
        "Order Refunded", f"{_GOOGLES}/actionFieldObject", f"{_GOOGLES}/productFieldObject"
    ),
}
ACTIONS: Final = frozenset(schema for schema, _ in _WAYS)
"""Schemas of events whose own data is only which action they are."""


class _Action(Struct):
    type: Value = None
    action: Value = None


class _Order(Struct):
    transaction_id: Value = None
    id: Value = None
    revenue: Value = None
    refund_amount: Value = None
    currency: Value = None


class _Product(Struct):
    id: Value = None
    name: Value = None
    category: Value = None
    quantity: Value = None
    price: Value = None
    currency: Value = None


class _Line(Struct, omit_defaults=True):
    """A `ti` event."""

    order_id: Value = field(default=None, name="ti_id")
    product_id: Value = field(default=None, name="ti_sk")
    name: Value = field(default=None, name="ti_nm")
    category: Value = field(default=None, name="ti_ca")
    quantity: Value = field(default=None, name="ti_qu")
    price: Value = field(default=None, name="ti_pr")


class _Transaction(Struct):
    """A `tr` event, with the `ti` events that came beside it."""

    order_id: Value = field(default=None, name="tr_id")
    total: Value = field(default=None, name="tr_tt")
    currency: Value = field(default=None, name="tr_cu")
    lines: list[_Line] = field(default_factory=list, name="ti")


_action: Final = msgspec.json.Decoder(_Action)
_order: Final = msgspec.json.Decoder(_Order)
_product: Final = msgspec.json.Decoder(_Product)
_line: Final = msgspec.json.Decoder(_Line)
_transaction: Final = msgspec.json.Decoder(_Transaction)


def action_of(data: Raw) -> str:
    """Which action an event of `ACTIONS` is."""
    value = reading.decode(_action, bytes(data))
    return word(value.type) or word(value.action)


def of_action(schema: str, action: str, entities: Sequence[Described]) -> Order | None:
    """The order of an e-commerce action; None for actions that sell nothing. Raises Refused."""
    route = _WAYS.get((schema, action))
    if route is None:
        return None
    matches = [_read(_order, data) for data in these(entities, route.order)]
    value = matches[0] if matches else _Order()
    products = [_read(_product, data) for data in these(entities, route.product)]
    return _purchase(
        route.event,
        value.transaction_id if value.transaction_id is not None else value.id,
        value.revenue if value.revenue is not None else value.refund_amount,
        value.currency or next((entry.currency for entry in products if entry.currency), None),
        [
            {
                "product_id": entry.id,
                "name": entry.name,
                "category": entry.category,
                "quantity": entry.quantity,
                "price": entry.price,
            }
            for entry in products
        ],
    )


def of_transaction(item: bytes) -> Order | None:
    """The order of a `tr` event. Raises Refused."""
    value = reading.decode(_transaction, item, Reason.BAD_ORDER)
    lines = [
        {
            "product_id": line.product_id,
            "name": line.name,
            "category": line.category,
            "quantity": line.quantity,
            "price": line.price,
        }
        for line in value.lines
    ]
    return _purchase("Order Completed", value.order_id, value.total, value.currency, lines)


def gathered(items: Sequence[bytes]) -> list[bytes]:
    """Each `tr` with the `ti` of its order that came in the same request, as its field `ti`.

    Nothing keeps a `tr` until later ones come, and products are what buying again is told from.
    Of two `tr` of one order the first gets them, so that no request grows beyond its own size.
    """
    lines: dict[str, list[_Line]] = {}
    for item in items:
        if b'"ti_id"' in item and (line := _lenient(_line, item)) is not None:
            lines.setdefault(word(line.order_id), []).append(line)
    return [_with_lines(item, lines) if b'"tr_id"' in item else item for item in items]


def _with_lines(item: bytes, lines: dict[str, list[_Line]]) -> bytes:
    value = _lenient(_transaction, item)
    own = lines.pop(word(value.order_id), None) if value is not None else None
    if own is None:
        return item
    return item.rstrip().removesuffix(b"}") + b',"ti":' + msgspec.json.encode(own) + b"}"


def _lenient(decoder: msgspec.json.Decoder[S], item: bytes) -> S | None:
    """None for what is too large or cannot be read: as an event it will be refused with the reason."""
    if len(item) > limits.MAX_EVENT:
        return None
    try:
        return reading.decode(decoder, item)
    except Refused:
        return None


def _read(decoder: msgspec.json.Decoder[S], data: Raw) -> S:
    return reading.decode(decoder, bytes(data), Reason.BAD_ORDER)


def _purchase(
    event: str, order_id: Value, total: Value, currency: Value, lines: Iterable[dict[str, Value]]
) -> Order | None:
    products = [line | {"product_id": word(line["product_id"])} for line in lines]
    spec = {
        "order_id": word(order_id),
        "total": total,
        "currency": currency,
        "products": products,
    }
    return orders.from_track(event, Raw(msgspec.json.encode(spec)))
