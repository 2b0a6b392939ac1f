"""The make-believe shop from a seed and a day: its orders, its traffic, and what was planted."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from heapq import merge
from typing import Final, NamedTuple

from footfall.demo.shop import desk, history, visits, wire
from footfall.demo.shop.customers import Customer, customers
from footfall.demo.shop.dice import DAY
from footfall.demo.shop.history import Order, Pair
from footfall.demo.shop.visits import Visit
from footfall.demo.shop.wire import Request
from schemas import identifiers

CUSTOMERS: Final = 2_000
VISITS: Final = 4_000


class Planted(NamedTuple):
    """The truth. Times are ms.

    `person_of`: identifier (device, user id or email) → whose it is, as far as can be known: the
    user id of its customer, for a device only if somebody logged in on it; else itself.
    `failed_views`: attempts that the break ruined. `due`: pairs that must be noticed on the day;
    `may_be_due`: pairs that may be, without being asked for.
    """

    person_of: dict[str, str]
    broken_page: str
    broken_device: str
    broke_at: int
    failed_views: list[int]
    due: frozenset[Pair]
    may_be_due: frozenset[Pair]


class World:
    """A shop on the day that begins at `begin` ms. Its parts are made when first asked for."""

    def __init__(
        self, seed: int, begin: int, customer_count: int = CUSTOMERS, visit_count: int = VISITS
    ) -> None:
        self.begin, self.end = begin, begin + DAY
        self._seed, self._visit_count = seed, visit_count
        self._customers = customers(seed, customer_count)

    @cached_property
    def orders(self) -> list[Order]:
        """Six months of orders before the day, in time order."""
        return history.orders(self._seed, self._histories, self.begin)

    @cached_property
    def visits(self) -> list[Visit]:
        """The day's visits."""
        return visits.visits(self._seed, self._regulars, self.begin, self._visit_count)

    @cached_property
    def requests(self) -> list[Request]:
        """The day's requests, in time order."""
        return list(merge(self._browsing(), *self._back_office(), key=lambda request: request.time))

    @cached_property
    def planted(self) -> Planted:
        """What there is to be found."""
        purchased = self._bought_on_the_day()
        return Planted(
            person_of=self._person_of(),
            broken_page=visits.BREAK_PAGE,
            broken_device=visits.BREAK_DEVICE,
            broke_at=self.begin + visits.BREAK_AFTER,
            failed_views=visits.failed_views(self.visits, self.begin),
            due=history.due(self._histories, self.begin, self.end) - purchased,
            may_be_due=history.may_be_due(self._histories, self.begin, self.end),
        )

    @cached_property
    def _histories(self) -> list[history.PurchaseHistory]:
        return history.histories(self._seed, self._customers, self.begin)

    @cached_property
    def _regulars(self) -> Sequence[Customer]:
        """Those who bought before: an order tells both their user id and their address."""
        return list({order.customer: None for order in self.orders})

    def _browsing(self) -> Iterator[Request]:
        requests = [request for visit in self.visits for request in wire.browser_requests(visit)]
        return iter(sorted(requests, key=lambda request: request.time))

    def _back_office(self) -> tuple[Iterator[Request], Iterator[Request]]:
        steps = desk.tickets(self._seed, self._regulars, self.visits, self.begin, self.end)
        answers = desk.answers(self._seed, self.visits, self.end)
        return map(wire.ticket_request, steps), map(wire.answer_request, answers)

    def _person_of(self) -> dict[str, str]:
        existing: dict[str, str] = {}
        for customer in self._regulars:
            existing[identifiers.user_id(customer.user_id)] = customer.user_id
            existing[identifiers.email(customer.email)] = customer.user_id
        for visit in self.visits:
            device = identifiers.device(visit.device.anonymous_id)
            existing.setdefault(device, device)
            for action in visit.actions:
                if action.customer:
                    existing[device] = action.customer.user_id
        return existing

    def _bought_on_the_day(self) -> frozenset[Pair]:
        """Pairs that are no longer due because the customer, known or not, bought."""
        owners = {
            device.anonymous_id: customer.user_id
            for customer in self._customers
            for device in customer.devices
        }
        return frozenset(
            Pair(owners[visit.device.anonymous_id], action.product.sku)
            for visit in self.visits
            for action in visit.actions
            if action.kind == "ordered" and action.product and visit.device.anonymous_id in owners
        )
