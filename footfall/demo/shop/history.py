"""Six months of purchases, and who is really due on the day after them.

A habit is a renewal process: purchases follow each other at the customer's own interval with a
little jitter. The truth about what is due is the process's own next purchase, had nothing
disturbed it, which no reader of the history can see.
"""

from collections.abc import Iterable, Iterator
from itertools import count
from random import Random
from typing import Final, Literal, NamedTuple

from footfall.demo.shop.catalog import ONE_OFFS, Product
from footfall.demo.shop.customers import Customer, Habit
from footfall.demo.shop.dice import DAY, HOUR, dice

Status = Literal["completed", "refunded", "cancelled"]

HISTORY_DAYS: Final = 182
JITTER: Final = 0.06
"""Standard deviation of one interval, as a share of the customer's own interval."""
QUIT_SHARE: Final = 0.06
"""Habits given up for good, at least `QUIT_INTERVALS` of their own before the day."""
QUIT_INTERVALS: Final = 2.5
NEW_SHARE: Final = 0.08
"""Habits begun so late that the history shows one or two purchases."""
NEAR: Final = 1 / 3
"""A flag this share of the own interval away from the next purchase is still no mistake."""
CANCELLED_SHARE: Final = 0.015
REFUNDED_SHARE: Final = 0.02


class Line(NamedTuple):
    """`quantity` pieces of a product in an order."""

    product: Product
    quantity: int = 1


class Order(NamedTuple):
    """A customer's order at `time` ms, or its cancellation or refund (the same `order_id`)."""

    order_id: str
    time: int
    status: Status
    customer: Customer
    lines: tuple[Line, ...]


class PurchaseHistory(NamedTuple):
    """A habit's purchases before the day, and the next one (None: given up)."""

    customer: Customer
    habit: Habit
    times: tuple[int, ...]
    next: int | None


class Pair(NamedTuple):
    """A customer and a product, as both are named outside."""

    user_id: str
    sku: str


def histories(seed: int, customers: Iterable[Customer], until: int) -> list[PurchaseHistory]:
    """The history of every habit, seen at `until` ms."""
    return [
        _history(dice(seed, "habit", customer.user_id, habit.product.sku), customer, habit, until)
        for customer in customers
        for habit in customer.habits
    ]


def orders(seed: int, histories: Iterable[PurchaseHistory], until: int) -> list[Order]:
    """All orders before `until`, with refunds and cancellations, in time order."""
    numbers = count(100_001)
    roll = dice(seed, "orders")
    customers: dict[str, Customer] = {}
    orders_so_far: list[Order] = []
    for history in histories:
        customers[history.customer.user_id] = history.customer
        for time in history.times:
            orders_so_far += _order(roll, numbers, time, history.customer, history.habit.product)
    for customer in customers.values():
        for product in roll.sample(ONE_OFFS, roll.choice((0, 0, 1, 1, 2, 3))):
            time = until - roll.randrange(HOUR, HISTORY_DAYS * DAY)
            orders_so_far += _order(roll, numbers, time, customer, product)
    return sorted((order for order in orders_so_far if order.time < until), key=lambda o: o.time)


def due(histories: Iterable[PurchaseHistory], begin: int, end: int) -> frozenset[Pair]:
    """Pairs with at least three purchases whose next, undisturbed, falls in [begin, end)."""
    return frozenset(
        _pair(history)
        for history in histories
        if len(history.times) >= 3 and history.next is not None and begin <= history.next < end
    )


def may_be_due(histories: Iterable[PurchaseHistory], begin: int, end: int) -> frozenset[Pair]:
    """Pairs for which a flag in [begin, end) is no mistake, though it is not asked for.

    Those whose next purchase lies within `NEAR` of their own interval from the window, and those
    with one or two purchases, about whom nobody can know.
    """
    return frozenset(_pair(history) for history in histories if _may_be_due(history, begin, end))


def _may_be_due(history: PurchaseHistory, begin: int, end: int) -> bool:
    if history.next is None:
        return False
    margin = history.habit.every_days * DAY * NEAR
    return 1 <= len(history.times) <= 2 or begin - margin <= history.next < end + margin


def _history(roll: Random, customer: Customer, habit: Habit, until: int) -> PurchaseHistory:
    interval = habit.every_days * DAY
    begin = until - HISTORY_DAYS * DAY
    fate = roll.random()
    if fate < NEW_SHARE:
        begin = until - round(interval * roll.uniform(0.3, 1.8))
    times = list(_renewals(roll, interval, begin, until))
    if fate > 1 - QUIT_SHARE:
        last = until - QUIT_INTERVALS * interval
        return PurchaseHistory(customer, habit, tuple(t for t in times if t < last), None)
    return PurchaseHistory(customer, habit, tuple(times[:-1]), times[-1])


def _renewals(roll: Random, interval: float, begin: int, until: int) -> Iterator[int]:
    """Purchase times from within the first interval through the first at or after `until`."""
    time = begin + round(roll.random() * min(interval, until - begin))
    while time < until:
        yield time
        time += round(interval * max(0.5, roll.gauss(1, JITTER)))
    yield time


def _order(
    roll: Random, numbers: Iterator[int], time: int, customer: Customer, product: Product
) -> Iterator[Order]:
    """An order; sometimes one by mistake before it, undone before it too."""
    lines = (Line(product, roll.choice((1, 1, 1, 2))),)
    fate = roll.random()
    if fate < CANCELLED_SHARE + REFUNDED_SHARE:
        undone: Status = "cancelled" if fate < CANCELLED_SHARE else "refunded"
        number, mistaken = f"o{next(numbers)}", time - roll.randrange(2 * HOUR, 3 * DAY)
        yield Order(number, mistaken, "completed", customer, lines)
        yield Order(number, roll.randrange(mistaken + HOUR, time), undone, customer, lines)
    yield Order(f"o{next(numbers)}", time, "completed", customer, lines)


def _pair(history: PurchaseHistory) -> Pair:
    return Pair(history.customer.user_id, history.habit.product.sku)
