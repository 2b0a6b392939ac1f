"""Amounts and numbers of orders: what is accepted fits the warehouse's columns."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from collectors import orders
from collectors.dialects.contract import Refused
from schemas.events import QUANTITY_LIMIT, Event, Item
from schemas.rejects import Reason
from tests.collectors.requests import AT, sent

EDGES = [
    "99999999999999.9999",
    "99999999999999.99994",
    "99999999999999.99995",
    "99999999999999.99999",
    "100000000000000",
    "0E+999999",
    "1E-999999",
    "1E+13",
    "1E+14",
    "0.00005",
    "Infinity",
    "NaN",
    "sNaN",
]
NUMBERS = some.one_of(
    some.sampled_from(EDGES).map(Decimal),
    some.sampled_from(EDGES).map(lambda text: Decimal("-" + text)),
    some.decimals(),
    some.decimals(min_value=-(10**15), max_value=10**15, places=6),
)


def fits(value: Decimal) -> bool:
    """Whether Decimal(18, 4) holds the value as it is: 18 digits, of which 4 after the point."""
    _, _, exponent = value.as_tuple()
    return isinstance(exponent, int) and -4 <= exponent <= 0 and abs(value) * 10**4 < 10**18


def accepted(check: Callable[[], Decimal]) -> Decimal | None:
    try:
        return check()
    except Refused as refused:
        assert refused.reason is Reason.BAD_ORDER
        return None


@given(NUMBERS)
def test_every_accepted_amount_fits_its_column(value: Decimal) -> None:
    amount = accepted(lambda: orders.money(value, "total"))
    assert amount is None or (fits(amount) and abs(amount - value) <= Decimal("0.00005"))


@given(some.integers(1, 10**18 - 1), some.integers(0, 4))
def test_every_amount_that_fits_is_accepted_as_it_is(digits: int, places: int) -> None:
    value = Decimal(digits).scaleb(-places)
    assert (accepted(lambda: orders.money(value, "total")) == value) == (value < 10**14)


@pytest.mark.parametrize("sign", ["", "-"])
def test_an_amount_that_only_rounding_makes_too_large_is_refused(sign: str) -> None:
    with pytest.raises(Refused, match="`price` is not an amount"):
        orders.money(Decimal(sign + "99999999999999.99999"), "price")
    assert orders.money(Decimal(sign + "99999999999999.99994"), "price") == Decimal(
        sign + "99999999999999.9999"
    )


@given(some.lists(some.tuples(NUMBERS, some.integers(1, QUANTITY_LIMIT)), max_size=4))
def test_a_sum_of_accepted_items_fits_or_is_refused(lines: list[tuple[Decimal, int]]) -> None:
    items = [
        Item("tea", quantity=pieces, price=price)
        for value, pieces in lines
        if (price := accepted(lambda value=value: orders.money(value, "price"))) is not None  # type: ignore[misc]
    ]
    total = accepted(lambda: orders.sum_of(items))
    assert total is None or fits(total)


@given(some.one_of(NUMBERS, some.integers(-(10**20), 10**20).map(Decimal)))
def test_every_accepted_quantity_is_a_whole_number_within_int64(value: Decimal) -> None:
    pieces = accepted(lambda: Decimal(orders.quantity(value)))
    assert pieces is None or (pieces == value and 1 <= pieces < 2**63)


def only(path: str, body: dict[str, Any]) -> Event | None:
    admitted = sent(path, body | {"anonymousId": "d", "time": AT})
    assert len(admitted.events) + len(admitted.rejects) == 1
    return admitted.events[0] if admitted.events else None


@given(total=NUMBERS, price=NUMBERS, pieces=NUMBERS)
def test_a_posted_purchase_fits_its_columns_or_is_a_reject(
    total: Decimal, price: Decimal, pieces: Decimal
) -> None:
    item = {"productId": "tea", "price": str(price), "quantity": str(pieces)}
    event = only("/v1/purchases", {"orderId": 1, "total": str(total), "items": [item]})
    if event is not None:
        assert event.order is not None
        assert fits(event.order.total)
        assert all(fits(i.price) and 1 <= i.quantity < 2**63 for i in event.order.items)


@given(some.integers(-(2**65), 2**65))
def test_ratings_and_scores_are_those_of_their_scales(number: int) -> None:
    rated = only("/v1/tickets", {"ticketId": 1, "action": "rated", "rating": number})
    scored = only("/v1/feedback", {"kind": "nps", "score": number})
    assert (rated is not None) == (1 <= number <= 5)
    assert (scored is not None) == (0 <= number <= 10)
