"""One day of visits: who comes when, how far they get, and the checkout that breaks on mobile.

Every visitor walks / → /products → /product/<n> … → /cart → /checkout → /payment → order, and may
leave at each step. From the break on, mobile visitors at /checkout find themselves back in the
cart: some leave, some try again, none gets through.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, Literal, NamedTuple

from footfall.demo.shop.catalog import ONE_OFFS, PAGE, PRODUCTS, Product
from footfall.demo.shop.customers import Customer, Device, device
from footfall.demo.shop.dice import DAY, HOUR, MINUTE, dice

Kind = Literal["page", "identify", "added", "ordered"]

BREAK_PAGE: Final = "/checkout"
BREAK_DEVICE: Final = "mobile"
BREAK_AFTER: Final = 15 * HOUR + 40 * MINUTE

GOES_ON: Final[dict[str, float]] = {
    "/": 0.78,
    "/products": 0.80,
    "/product": 0.52,
    "/cart": 0.70,
    "/checkout": 0.82,
    "/payment": 0.92,
}
"""The share of visitors who take the next step, before the break."""
TRIES_AGAIN: Final = 0.6
READS_MS: Final = (4_000, 50_000)
"""A visitor stays this long on a page."""

BUSY: Final = (
    8,
    5,
    3,
    2,
    2,
    3,
    8,
    18,
    32,
    44,
    52,
    56,
    60,
    58,
    54,
    54,
    56,
    60,
    64,
    66,
    62,
    48,
    30,
    16,
)
"""Relative traffic in each hour of the day."""
MEMBER_SHARE: Final = 0.35
"""Visits by customers with an account; the rest are strangers who never say who they are."""
LOGS_IN: Final = 0.7


class Action(NamedTuple):
    """Something a browser reports at `time` ms. `customer` is who has said so on this device."""

    time: int
    device: Device
    kind: Kind
    path: str
    customer: Customer | None = None
    product: Product | None = None
    order_id: str = ""


class Visit(NamedTuple):
    """One visitor's way through the shop, in time order."""

    device: Device
    actions: tuple[Action, ...]


def visits(seed: int, customers: Sequence[Customer], begin: int, count: int) -> list[Visit]:
    """`count` visits on the day that begins at `begin` ms, in the order in which they begin."""
    roll = dice(seed, "visits")
    times = sorted(_moment(roll) for _ in range(count))
    broken = begin + BREAK_AFTER
    last_seen: dict[str, int] = {}
    created = []
    for number, time in enumerate(times):
        visitor = _visitor(roll, customers, number)
        start = max(begin + time, last_seen.get(visitor.device.anonymous_id, 0) + HOUR)
        visit = Visit(visitor.device, tuple(_Walk(roll, visitor, start, broken, number).actions()))
        last_seen[visitor.device.anonymous_id] = visit.actions[-1].time
        created.append(visit)
    return [visit for visit in created if visit.actions[-1].time < begin + DAY]


def failed_views(visits: Sequence[Visit], begin: int) -> list[int]:
    """When attempts at the broken page came to nothing because of the break, ms, ascending.

    An attempt is a visit's first view of the page after the break; trying again is the same one.
    """
    broken = begin + BREAK_AFTER
    firsts = [
        next((action.time for action in visit.actions if _fails(action, broken)), None)
        for visit in visits
    ]
    return sorted(time for time in firsts if time is not None)


def _fails(action: Action, broken: int) -> bool:
    return (
        action.kind == "page"
        and action.path == BREAK_PAGE
        and action.device.kind == BREAK_DEVICE
        and action.time >= broken
    )


class _Visitor(NamedTuple):
    device: Device
    customer: Customer | None


def _visitor(roll: Random, customers: Sequence[Customer], number: int) -> _Visitor:
    if roll.random() >= MEMBER_SHARE:
        return _Visitor(device(roll, f"v{number:05d}"), None)
    customer = roll.choice(customers[: len(customers) // 3])
    return _Visitor(roll.choice(customer.devices), customer)


def _moment(roll: Random) -> int:
    hour = roll.choices(range(24), BUSY)[0]
    return hour * HOUR + roll.randrange(HOUR)


class _Walk:
    """A visit being made: where the visitor is, and whether the shop knows who they are."""

    def __init__(
        self, roll: Random, visitor: _Visitor, start: int, broken: int, number: int
    ) -> None:
        self._roll, self._visitor, self._time, self._broken = roll, visitor, start, broken
        self._order_id = f"w{number:06d}"
        self._product = roll.choice(PRODUCTS)
        self._known: Customer | None = None

    def actions(self) -> Iterator[Action]:
        """The whole visit; a member who logs in does so after some page before the payment."""
        logs_in = self._visitor.customer is not None and self._roll.random() < LOGS_IN
        after = self._roll.choice(("/", "/products", "/product", "/cart", "/checkout"))
        for action in self._path():
            yield action
            if logs_in and action.kind == "page" and action.path.startswith(after):
                logs_in, self._known = False, self._visitor.customer
                yield self._act("identify", action.path)

    def _path(self) -> Iterator[Action]:
        for page in ("/", "/products"):
            yield self._view(page)
            if not self._goes_on(page):
                return
        yield from self._browse()
        if not self._goes_on("/product"):
            return
        yield self._act("added", PAGE[self._product.sku])
        yield self._view("/cart")
        if self._goes_on("/cart"):
            yield from self._check_out()

    def _browse(self) -> Iterator[Action]:
        for _ in range(self._roll.choice((1, 1, 2, 3, 4))):
            self._product = self._roll.choice(self._wanted())
            yield self._view(PAGE[self._product.sku])

    def _wanted(self) -> Sequence[Product]:
        customer = self._visitor.customer
        return PRODUCTS if customer is None else (*[h.product for h in customer.habits], *ONE_OFFS)

    def _check_out(self) -> Iterator[Action]:
        yield self._view("/checkout")
        while self._is_broken():
            yield self._view("/cart")
            if self._roll.random() >= TRIES_AGAIN:
                return
            yield self._view("/checkout")
        if self._goes_on("/checkout"):
            yield self._view("/payment")
            if self._goes_on("/payment"):
                yield self._act("ordered", "/payment")

    def _is_broken(self) -> bool:
        """Asked right after a view of /checkout, so about the moment of that view."""
        return self._visitor.device.kind == BREAK_DEVICE and self._viewed >= self._broken

    def _goes_on(self, page: str) -> bool:
        return self._roll.random() < GOES_ON[page]

    def _view(self, path: str) -> Action:
        action = self._act("page", path)
        self._viewed = action.time
        self._time += self._roll.randrange(*READS_MS)
        return action

    def _act(self, kind: Kind, path: str) -> Action:
        self._time += 1
        order = self._order_id if kind == "ordered" else ""
        product = self._product if kind in ("added", "ordered") else None
        person = self._known
        return Action(self._time, self._visitor.device, kind, path, person, product, order)
