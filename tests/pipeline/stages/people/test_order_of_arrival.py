"""Law 4: whatever the order of arrival, the record ends up the same; checked against a naive recount."""

from collections.abc import Sequence
from itertools import count
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from pipeline.stages.people.cycles import cycle_columns, foresee
from pipeline.stages.people.interval_model import Sums, interval_sums, norm_of
from pipeline.stages.people.policy import Policy
from pipeline.stages.people.state import Cycle
from schemas.customers import CustomerFact
from schemas.identifiers import person_id, rank
from schemas.rows import CycleRow, IdentityRow, RefusalRow
from tests.pipeline.stages.people.shop import (
    Shop,
    assertion,
    day,
    purchase,
    refund,
    regulars,
    reset,
    tick,
)

IDENTIFIERS = (
    "user_id:1",
    "user_id:2",
    "user_id:3",
    "email:a@x.org",
    "email:b@x.org",
    "phone:+491234567",
)
QUIET = (205.0, 209.0)
"""Days in which nothing happens and everything is looked at again."""

CROWD = [structs.replace(f, message_id=f"crowd{n}") for n, f in enumerate(regulars(4, 20, 200))]
"""Others, who make a return likely enough to be expected."""

identifiers = st.lists(st.sampled_from(IDENTIFIERS), min_size=1, max_size=3, unique=True).map(
    lambda names: tuple(sorted(names, key=rank))
)
days = st.integers(0, 200)
devices = st.sampled_from(("", "d1", "d2"))
products = st.lists(st.sampled_from(("coffee", "tea")), min_size=1, max_size=2, unique=True)


@st.composite
def fact(draw: st.DrawFn) -> CustomerFact:
    """Any fact; `with_message_ids` makes message ids distinct."""
    kinds = ("assertion", "alias", "reset", "purchase", "purchase", "unowned purchase", "refund")
    kind = draw(st.sampled_from(kinds))
    at, names, device = draw(days), draw(identifiers), draw(devices)
    if kind == "assertion":
        return assertion(at, *names, device=device)
    if kind == "alias":
        return assertion(at, *names, previous=draw(st.sampled_from((*IDENTIFIERS, "device:d1"))))
    if kind == "reset":
        return reset(at, device or "d1")
    if kind == "purchase":
        return purchase(names, at, *draw(products), device=device, order=draw(order))
    if kind == "unowned purchase":
        return purchase("", at, *draw(products), device=device or "d1", order=draw(order))
    return refund(draw(order), at, *draw(st.sampled_from(((), ("tea",)))))


order = st.integers(0, 12).map(str)


def with_message_ids(facts: Sequence[CustomerFact]) -> list[CustomerFact]:
    """Distinct message ids; equal times stay equal."""
    return [structs.replace(f, message_id=f"m{n}") for n, f in zip(count(), facts, strict=False)]


def final_tables(facts: Sequence[CustomerFact], per_record: int = 1) -> dict[str, Any]:
    """The record after the facts, which arrive while time goes on, and some quiet days."""
    shop = Shop().fold([tick(201)]).fold(facts, per_record).pass_days(*QUIET, per_day=2)
    return {table.table: shop.table(table) for table in (IdentityRow, RefusalRow, CycleRow)}


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_order_gives_the_same_people_refusals_and_cycles(data: st.DataObject) -> None:
    facts = with_message_ids(data.draw(st.lists(fact(), max_size=14))) + CROWD
    permuted = list(facts)
    Random(data.draw(st.integers(0, 1_000))).shuffle(permuted)
    per_record = data.draw(st.integers(1, 14))
    assert final_tables(permuted, per_record) == final_tables(facts)


@settings(max_examples=100, deadline=None)
@given(st.lists(fact(), max_size=14))
def test_the_record_is_what_a_naive_recount_of_the_whole_history_says(
    history: list[CustomerFact],
) -> None:
    facts = with_message_ids(history) + CROWD
    tables = final_tables(facts)
    naive = Naive(facts)
    assert {r["identifier"]: r["canonical"] for r in tables["identities"]} == naive.canonical
    assert len(tables["link_refusals"]) == naive.refusals
    assert len(tables["cycles"]) >= 4
    assert {(r["person_id"], r["product_id"]): r["state"] for r in tables["cycles"]} == naive.states


class Naive:
    """People, refusals and cycles from the whole history at once: slow, and plain."""

    def __init__(self, facts: Sequence[CustomerFact]) -> None:
        self.facts = sorted(facts, key=lambda f: (f.time, f.message_id))
        self.groups: list[set[str]] = []
        refusals = {
            (f.identifiers, f.previous_id if not f.previous_id.startswith("device:") else "", name)
            for f in self.facts
            for name in self._link(f)
        }
        self.refusals = len(refusals)
        self.canonical = {i: min(g, key=rank) for g in self.groups for i in g}
        self.states = self._states()

    def _group(self, identifier: str) -> set[str]:
        for group in self.groups:
            if identifier in group:
                return group
        self.groups.append({identifier})
        return self.groups[-1]

    def _link(self, fact: CustomerFact) -> list[str]:
        """Join what the fact links; answers the identifiers that may not be joined."""
        refusals = []
        if fact.previous_id and not fact.previous_id.startswith("device:"):
            self._join(fact.previous_id, fact.identifiers[0])
        for name in fact.identifiers:
            groups = self._group(fact.identifiers[0]), self._group(name)
            has_user_id = [any(i.startswith("user_id:") for i in group) for group in groups]
            if groups[0] is not groups[1] and all(has_user_id):
                refusals.append(name)
            else:
                self._join(fact.identifiers[0], name)
        return refusals

    def _join(self, first: str, second: str) -> None:
        a, b = self._group(first), self._group(second)
        if a is not b:
            self.groups.remove(b)
            a |= b

    def _owner(self, device: str, time: int) -> str:
        assertions = []
        for f in self.facts:
            if f.device == device and (f.identifiers or f.kind == "reset"):
                assertions.append((f.time, f.identifiers[0] if f.identifiers else ""))
            elif f.previous_id == f"device:{device}":
                assertions.append((f.time, f.identifiers[0]))
        before = [name for at, name in assertions if at <= time] or [
            name for _, name in assertions[:1]
        ]
        return (before[-1] if before else "") or f"device:{device}"

    def _purchases(self) -> dict[tuple[str, str], list[int]]:
        """(person, product) → times."""
        times: dict[tuple[str, str], list[int]] = {}
        for order_id in {f.order.order_id for f in self.facts if f.order}:
            reports = [f for f in self.facts if f.order and f.order.order_id == order_id]
            completions = [f for f in reports if f.order and f.order.status == "completed"][:4]
            refunds = [f.order for f in reports if f.order and f.order.status == "refunded"]
            if not completions or any(not order.items for order in refunds):
                continue
            names = [f.identifiers[0] for f in completions if f.identifiers]
            devices = [f.device for f in completions if f.device]
            owner = names[0] if names else self._owner(devices[0], completions[0].time)
            person = self.canonical.get(owner, owner)
            back = [item.product_id for order in refunds for item in order.items]
            assert completions[0].order
            for item in completions[0].order.items:
                if item.product_id not in back:
                    times.setdefault((person, item.product_id), []).append(completions[0].time)
        return times

    def _states(self) -> dict[tuple[str, str], str]:
        purchases = {key: sorted(times) for key, times in self._purchases().items()}
        site, by_product = Sums(), dict[str, Sums]()
        for (_, product), times in purchases.items():
            person_sums = interval_sums(times)
            for sums in (site, by_product.setdefault(product, Sums())):
                sums.add(person_sums.intervals, person_sums.total, person_sums.squares, 1)
        states = {}
        for (person, product), times in purchases.items():
            cycle = Cycle(len(times), *interval_sums(times))
            norm = norm_of([site, site, by_product[product]])
            foresee(cycle, norm, day(QUIET[1]), Policy())
            if cycle_columns(cycle):
                states[person_id("shop", person), product] = cycle.state
        return states
