"""Orders as Segment's e-commerce spec writes them → `schemas.events.Order`.

Numbers may come as text ("19.90"), as shops send them. What cannot be read is BAD_ORDER, with
the field's name.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Raw, Struct

from collectors import limits
from collectors.dialects.contract import Refused
from collectors.dialects.reading import decode
from schemas.events import (
    MONEY_LIMIT,
    MONEY_PLACES,
    ORDER_EVENTS,
    QUANTITY_LIMIT,
    Item,
    Order,
)
from schemas.rejects import Reason

_MONEY_STEP: Final = Decimal(1).scaleb(-MONEY_PLACES)
_WHOLE: Final = Decimal(1)


class _Product(Struct):
    product_id: str | int | None = None
    sku: str | int | None = None
    name: str | None = None
    category: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None


class _Purchase(Struct):
    order_id: str | int | None = None
    total: Decimal | None = None
    revenue: Decimal | None = None
    currency: str | None = None
    products: list[_Product] | None = None


_purchase: Final = msgspec.json.Decoder(_Purchase)


def from_track(event: str | None, properties: Raw) -> Order | None:
    """The order of an `Order …` track event; None for every other. Raises Refused."""
    status = ORDER_EVENTS.get(event or "")
    if status is None:
        return None
    text = decode(_purchase, bytes(properties), Reason.BAD_ORDER)
    items = tuple(_item(product) for product in text.products or ())
    total = text.total if text.total is not None else text.revenue
    return Order(
        order_id=required(text.order_id, "order_id"),
        status=status,
        currency=currency(text.currency),
        total=sum_of(items) if total is None else money(total, "total"),
        items=items,
    )


def _item(product: _Product) -> Item:
    return Item(
        product_id=required(product.product_id or product.sku, "product_id"),
        name=short(product.name, "name"),
        category=short(product.category, "category"),
        quantity=quantity(product.quantity),
        price=money(product.price or Decimal(0), "price"),
    )


def required(value: str | int | None, name: str) -> str:
    """An id as text; refused where it is absent, empty or long."""
    word = "" if value is None else str(value)
    if not word or len(word) > limits.MAX_MESSAGE_ID:
        raise Refused(Reason.BAD_ORDER, f"`{name}` is missing or too long")
    return word


def short(value: str | None, name: str) -> str:
    """A text field of an order, "" for null. Raises Refused where it is longer than MAX_TEXT."""
    if value and len(value) > limits.MAX_TEXT:
        raise Refused(Reason.BAD_ORDER, f"`{name}` is longer than {limits.MAX_TEXT} characters")
    return value or ""


def currency(value: str | None) -> str:
    """ISO 4217's three letters in capitals, or "" where none is given. Raises Refused(BAD_ORDER)."""
    code = (value or "").strip().upper()
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise Refused(Reason.BAD_ORDER, "`currency` is not a code of three letters")
    return code


def quantity(value: Decimal | None) -> int:
    """A whole number of pieces, 1 where none is given. Raises Refused(BAD_ORDER)."""
    if value is None:
        return 1
    if not value.is_finite() or not 1 <= value <= QUANTITY_LIMIT or value != int(value):
        raise Refused(
            Reason.BAD_ORDER, f"`quantity` is not a whole number from 1: {str(value)[:32]}"
        )
    return int(value)


def money(value: Decimal, name: str) -> Decimal:
    """An amount the warehouse can keep, to four places. Negative ones are discounts. Raises Refused."""
    rounded = _rounded(value) if _is_amount(value) else value
    if not _is_amount(rounded):  # 99999999999999.99999 is none only after rounding
        raise Refused(Reason.BAD_ORDER, f"`{name}` is not an amount: {str(value)[:32]}")
    return rounded


def _is_amount(value: Decimal) -> bool:
    return value.is_finite() and -MONEY_LIMIT < value < MONEY_LIMIT


def _rounded(value: Decimal) -> Decimal:
    """Amounts written within the column's places stay as they are written."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)  # of a finite value
    if exponent > 0:  # 0E+999999 is as good an amount as 1E+3
        return value.quantize(_WHOLE)
    return value.quantize(_MONEY_STEP) if exponent < -MONEY_PLACES else value


def sum_of(items: Sequence[Item]) -> Decimal:
    """What the items cost together."""
    return money(sum((item.price * item.quantity for item in items), Decimal(0)), "total")
