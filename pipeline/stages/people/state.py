"""The `people` stage's state: its tables and their keys.

One partition holds several sites; every key begins with the site and a newline, and sites have no
newline. Values are keyed by identifier, never by person: people merge and part.

Which module writes which table (all may read):

    nodes       a strong identifier, whose it is             identity, purchases (its products)
    components  links of identifiers                         identity
    devices     whom a browser belongs to, when              devices
    sales       an order as its reports say it               purchases
    pairs       an identifier's purchases of a product       purchases, repurchase (its cycle)
    products    what a product is called                     population
    sums        intervals of a product, category, site       population
    contacts    when a trigger was last emitted              repurchase
    clock       the log's time                               repurchase
    timers      when a cycle is looked at (`deadlines`)      repurchase
"""

from typing import Final, NamedTuple

from msgspec import Struct

from pipeline.engine.state.keyed import Keyed, State
from pipeline.engine.state.timers import Timers
from pipeline.stages.people.interval_model import Sums

DEVICE: Final = "device:"
"""What an owner that is a device begins with; the rest is the anonymous id."""


class Node(Struct, array_like=True):
    """A strong identifier. `component` "" means that it was never linked to another."""

    canonical: str
    component: str = ""
    opt_out: bool = False
    products: list[str] = []


class Link(Struct, array_like=True, frozen=True):
    """Identifiers asserted together; with `previous_id`, an alias."""

    time: int
    message_id: str
    identifiers: tuple[str, ...]
    previous_id: str = ""


class Refusal(NamedTuple):
    """A link that was not made, and why."""

    time: int
    message_id: str
    left: str
    right: str
    reason: str


class Component(Struct, array_like=True):
    """Linked identifiers, with refused links too. `people`: canonical → its identifiers."""

    links: list[Link] = []
    people: dict[str, list[str]] = {}
    refusals: list[Refusal] = []


class Point(NamedTuple):
    """From `time` on, a device belongs to `identifier` ("": to nobody)."""

    time: int
    message_id: str
    identifier: str


class Device(Struct, array_like=True):
    """A browser or app. `unowned_orders`: (time, order_id) of orders of whoever had it then."""

    points: list[Point] = []
    unowned_orders: list[tuple[int, str]] = []
    opt_out: bool = False


class Report(NamedTuple):
    """One message saying that an order was completed. `items` are (product_id, quantity)."""

    time: int
    message_id: str
    identifier: str
    device: str
    items: tuple[tuple[str, int], ...]


class Sale(Struct, array_like=True):
    """An order. `owner`, `time` and `products` are those that the pairs have of it now."""

    reports: list[Report] = []
    void: bool = False
    returns: dict[str, int] = {}
    owner: str = ""
    time: int = 0
    products: list[str] = []


class Cycle(Struct, array_like=True):
    """A person's wait for a product. `intervals`, `total`, `squares` are in the population's sums.

    `interval_tenths` are tenths of a day. `state` "": no return is expected, and no row stands.
    `emitted_state` is the last state that a trigger (`trigger_id`) was emitted for.
    """

    purchases: int
    last_purchase: int
    intervals: int
    total: int
    squares: int
    interval_tenths: int = 0
    due_at: int = 0
    late_at: int = 0
    lapsed_at: int = 0
    state: str = ""
    emitted_state: str = ""
    trigger_id: str = ""


class Pair(Struct, array_like=True):
    """An identifier and a product: purchase times, and the person's cycle if it is canonical.

    `times` are the newest, sorted; `older` counts those that were dropped.
    """

    times: list[int] = []
    older: int = 0
    cycle: Cycle | None = None


class Product(Struct, array_like=True, order=True):
    """What a product was called at its newest mention."""

    time: int
    category: str
    name: str


class Contact(Struct, array_like=True):
    """When a trigger of a rule was last emitted for a person, ms."""

    emitted_at: dict[str, int] = {}


def _rests(_: bytes) -> bool:
    """A customer is heard of now and then: all of them are packed."""
    return True


class PeopleState(State):
    """One partition's state, with its tables by name."""

    def __init__(self) -> None:
        self.nodes = Keyed(Node, _rests)
        self.components = Keyed(Component, _rests)
        self.devices = Keyed(Device, _rests)
        self.sales = Keyed(Sale, _rests)
        self.pairs = Keyed(Pair, _rests)
        self.products = Keyed(Product)
        self.sums = Keyed(Sums)
        self.contacts = Keyed(Contact, _rests)
        self.clock = Keyed(int)
        self.deadlines = Keyed(int, _rests)
        self.timers = Timers(self.deadlines)
        super().__init__(
            nodes=self.nodes,
            components=self.components,
            devices=self.devices,
            sales=self.sales,
            pairs=self.pairs,
            products=self.products,
            sums=self.sums,
            contacts=self.contacts,
            clock=self.clock,
            deadlines=self.deadlines,
        )

    @property
    def now(self) -> int:
        """The log's time, ms; 0 until the first tick."""
        return self.clock.get("") or 0

    def members(self, site: str, person: str) -> list[str]:
        """The owners a person's canonical identifier stands for; none if it is not canonical."""
        if person.startswith(DEVICE):
            return [person]
        node = self.nodes.get(f"{site}\n{person}")
        if node is None or node.canonical != person:
            return []
        if not node.component:
            return [person]
        component = self.components.get(node.component)
        assert component is not None
        return component.people[person]

    def person_of(self, site: str, owner: str) -> str:
        """The canonical identifier of the person an owner belongs to."""
        if owner.startswith(DEVICE):
            return owner
        node = self.nodes.get(f"{site}\n{owner}")
        return owner if node is None else node.canonical


def pair_key(site: str, owner: str, product: str) -> str:
    """Unambiguous whatever the identifier and the product id contain."""
    return f"{site}\n{len(owner)}\n{owner}\n{product}"


def split_pair_key(key: str) -> tuple[str, str, str]:
    """Site, owner and product of a pair's key."""
    site, length, owner_and_product = key.split("\n", 2)
    end = int(length)
    return site, owner_and_product[:end], owner_and_product[end + 1 :]
