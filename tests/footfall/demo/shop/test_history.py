"""What the history promises: repeatable, undone orders before their replacements, an honest truth."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.demo.shop import history
from footfall.demo.shop.customers import customers
from footfall.demo.shop.dice import DAY
from footfall.demo.shop.history import Order, Pair, PurchaseHistory

UNTIL = 1_780_012_800_000
PEOPLE = customers(3, 200)


def _orders(seed: int) -> list[Order]:
    return history.orders(seed, history.histories(seed, PEOPLE, UNTIL), UNTIL)


def test_the_same_seed_gives_the_same_orders_and_another_seed_others() -> None:
    assert _orders(1) == _orders(1)
    assert _orders(1) != _orders(2)


def test_orders_are_in_time_order_within_the_half_year_before_the_day() -> None:
    times = [order.time for order in _orders(1)]
    assert times == sorted(times)
    assert times[0] >= UNTIL - (history.HISTORY_DAYS + 3) * DAY
    assert times[-1] < UNTIL


def test_an_order_is_undone_after_it_was_completed_and_by_the_same_customer() -> None:
    steps: dict[str, list[Order]] = defaultdict(list)
    for order in _orders(1):
        steps[order.order_id].append(order)
    undone = [both for both in steps.values() if len(both) > 1]
    assert undone
    for first, second in undone:
        assert first.status == "completed"
        assert second.status in ("cancelled", "refunded")
        assert first.customer == second.customer


def test_there_are_refunds_and_cancellations() -> None:
    assert {"completed", "refunded", "cancelled"} == {order.status for order in _orders(1)}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_a_next_purchase_is_about_one_own_interval_after_the_last(seed: int) -> None:
    for purchases in history.histories(seed, PEOPLE[:20], UNTIL):
        if purchases.next is not None and purchases.times:
            gap = (purchases.next - purchases.times[-1]) / DAY
            assert 0.5 <= gap / purchases.habit.every_days <= 1.5
            assert purchases.times[-1] < UNTIL <= purchases.next


def test_due_are_those_whose_own_renewal_falls_into_the_window() -> None:
    histories = history.histories(1, PEOPLE, UNTIL)
    due = history.due(histories, UNTIL, UNTIL + DAY)
    by_pair = {_pair(purchases): purchases for purchases in histories}
    assert due
    assert all(UNTIL <= (by_pair[pair].next or 0) < UNTIL + DAY for pair in due)
    missed = [
        purchases
        for purchases in histories
        if len(purchases.times) >= 3
        and purchases.next
        and purchases.next < UNTIL + DAY
        and _pair(purchases) not in due
    ]
    assert missed == []


def test_what_is_due_may_be_due_and_what_was_given_up_may_not() -> None:
    histories = history.histories(1, PEOPLE, UNTIL)
    may_be = history.may_be_due(histories, UNTIL, UNTIL + DAY)
    assert history.due(histories, UNTIL, UNTIL + DAY) <= may_be
    given_up = {_pair(purchases) for purchases in histories if purchases.next is None}
    assert given_up
    assert not given_up & may_be


def test_a_flag_far_from_the_own_next_purchase_is_a_mistake() -> None:
    histories = history.histories(1, PEOPLE, UNTIL)
    may_be = history.may_be_due(histories, UNTIL, UNTIL + DAY)
    far = {
        _pair(purchases)
        for purchases in histories
        if purchases.next
        and len(purchases.times) >= 3
        and purchases.next > UNTIL + DAY + purchases.habit.every_days * DAY / 2
    }
    assert far
    assert not far & may_be


def _pair(purchases: PurchaseHistory) -> Pair:
    return Pair(purchases.customer.user_id, purchases.habit.product.sku)
