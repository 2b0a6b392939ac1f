"""A test shop: folds facts through the `people` stage and reads its tables back."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import asdict

from pipeline.engine.stage import Emit, Output, Record
from pipeline.engine.state.deltas import changes_of, settle
from pipeline.stages.people.policy import Policy
from pipeline.stages.people.stage import People
from pipeline.stages.people.state import PeopleState
from schemas.customers import CustomerFact
from schemas.events import Item, Order, OrderStatus
from schemas.rows import CycleRow, IdentityRow, RefusalRow, Row, SourcedRow
from schemas.time_units import DAY_MS
from schemas.triggers import Trigger

T0 = 1_750_000_000_000

REPLACED_BY = {
    IdentityRow: ("site", "identifier"),
    RefusalRow: ("site", "left", "right", "message_id"),
    CycleRow: ("site", "person_id", "product_id"),
}
"""The sort keys of the tables with a version, as the migrations have them."""


def day(n: float) -> int:
    """The time, ms, `n` days after T0."""
    return T0 + round(n * DAY_MS)


def purchase(
    identifiers: str | tuple[str, ...], at: float, *products: str, device: str = "", order: str = ""
) -> CustomerFact:
    """A completed order of one piece of each product (default: coffee)."""
    names = (identifiers,) if isinstance(identifiers, str) and identifiers else tuple(identifiers)
    name = order or f"o-{'+'.join(names)}{device}-{at}"
    items = tuple(Item(product) for product in products or ("coffee",))
    return CustomerFact(
        kind="purchase",
        site="shop",
        time=day(at),
        message_id=f"m-{name}",
        device=device,
        identifiers=names,
        order=Order(name, items=items),
    )


def refund(order: str, at: float, *products: str, is_cancellation: bool = False) -> CustomerFact:
    """A refund of products (none: of all), or a cancellation, as a shop's server sends it."""
    items = tuple(Item(product) for product in products)
    status: OrderStatus = "cancelled" if is_cancellation else "refunded"
    return CustomerFact(
        kind="purchase",
        site="shop",
        time=day(at),
        message_id=f"undo-{order}-{at}",
        order=Order(order, status=status, items=items),
    )


def assertion(at: float, *identifiers: str, device: str = "", previous: str = "") -> CustomerFact:
    """Identifiers asserted together; with `previous`, an alias."""
    return CustomerFact(
        kind="alias" if previous else "assertion",
        site="shop",
        time=day(at),
        message_id=f"s{at}-{'+'.join(identifiers)}",
        device=device,
        identifiers=identifiers,
        previous_id=previous,
    )


def reset(at: float, device: str) -> CustomerFact:
    """Somebody logged out."""
    return CustomerFact(kind="reset", site="shop", time=day(at), message_id=f"r{at}", device=device)


def tick(at: float) -> CustomerFact:
    """The log's time."""
    return CustomerFact(kind="tick", site="", time=day(at), message_id="")


def regulars(people: int = 12, interval: float = 30, until: float = 180) -> list[CustomerFact]:
    """Customers who buy coffee about every `interval` days, out of step with each other."""
    return [
        purchase(f"user_id:regular{n}", first + round(k * interval * (1 + (n % 5 - 2) / 50), 2))
        for n in range(people)
        for first in [n * interval / people]
        for k in range(int((until - first) / interval))
    ]


class Shop:
    """One partition. `fold` takes facts record by record."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.stage = People(policy)
        state = self.stage.new_state()
        assert isinstance(state, PeopleState)
        self.state = state
        self.rows: dict[type[Row], list[SourcedRow]] = {}
        self.outputs: list[Output] = []
        self._offset = 0

    def fold(self, facts: Iterable[CustomerFact], per_record: int = 50) -> "Shop":
        """Fold facts in, `per_record` to a record, a batch each."""
        lines = [msgspec.json.encode(fact) for fact in facts]
        for at in range(0, len(lines), per_record):
            self.feed([b"\n".join(lines[at : at + per_record])])
        return self

    def feed(self, values: Sequence[bytes]) -> None:
        """Fold records in as one batch, then settle as the runner does."""
        emit = Emit(self.stage.source, 0)
        for value in values:
            emit.begin(self._offset)
            self.stage.process(
                self.state, Record(self._offset, value.count(b"\n") + 1, value), emit
            )
            self.state.applied = self._offset
            self._offset += 1
        settle(self.state, changes_of(self.state))
        self.outputs += emit.outputs
        for table, rows in emit.rows.items():
            self.rows.setdefault(table, []).extend(rows)

    def pass_days(self, start: float, end: float, per_day: int = 4) -> "Shop":
        """Fold ticks of the days from `start` to `end`."""
        steps = round((end - start) * per_day)
        return self.fold([tick(start + n / per_day) for n in range(steps + 1)])

    def restart(self) -> None:
        """A new worker: it has only what was settled."""
        fresh = PeopleState()
        fresh.adopt(self.state)
        fresh.applied, fresh.seen = self.state.applied, self.state.seen
        self.state = fresh

    def table(self, table: type[Row]) -> list[dict[str, Any]]:
        """What FINAL reads: the last version of each row, deleted ones gone, without `version`."""
        rows = [asdict(row) for row, _, _ in self.rows.get(table, [])]
        if key := REPLACED_BY.get(table):
            by_version = sorted(rows, key=lambda row: row["version"])
            newest = {tuple(row[name] for name in key): row for row in by_version}
            rows = [newest[name] for name in sorted(newest)]
        hidden = ("version", "deleted")
        return [
            {name: value for name, value in row.items() if name not in hidden}
            for row in rows
            if not row.get("deleted")
        ]

    def people(self) -> list[list[str]]:
        """Groups of identifiers that are one person."""
        groups: dict[str, list[str]] = {}
        for row in self.table(IdentityRow):
            groups.setdefault(row["canonical"], []).append(row["identifier"])
        return sorted(sorted(group) for group in groups.values())

    def cycles(self) -> list[dict[str, Any]]:
        """The cycles that have a row."""
        return self.table(CycleRow)

    def cycle(self, person_id: str, product: str = "coffee") -> dict[str, Any] | None:
        """One person's cycle for a product."""
        matches = [
            c for c in self.cycles() if (c["person_id"], c["product_id"]) == (person_id, product)
        ]
        return matches[0] if matches else None

    def triggers(self, *rules: str, subject: str = "") -> list[Trigger]:
        """The triggers emitted, in order."""
        messages = [output.message for output in self.outputs]
        return [
            message
            for message in messages
            if isinstance(message, Trigger)
            and (not rules or message.rule in rules)
            and (not subject or message.subject == subject)
        ]
