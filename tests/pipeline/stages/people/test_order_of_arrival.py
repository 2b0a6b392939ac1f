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
from tests.pipeline.stages.people.shop import Shop, bought, day, regulars, reset, said, tick, undone

WHO = ("user_id:1", "user_id:2", "user_id:3", "email:a@x.org", "email:b@x.org", "phone:+491234567")
QUIET = (205.0, 209.0)
"""Days in which nothing happens and everything is looked at again."""

CROWD = [structs.replace(f, message_id=f"crowd{n}") for n, f in enumerate(regulars(4, 20, 200))]
"""Others, who make a return likely enough to be expected."""

who = st.lists(st.sampled_from(WHO), min_size=1, max_size=3, unique=True).map(
    lambda found: tuple(sorted(found, key=rank))
)
when = st.integers(0, 200)
device = st.sampled_from(("", "d1", "d2"))
products = st.lists(st.sampled_from(("coffee", "tea")), min_size=1, max_size=2, unique=True)


@st.composite
def fact(draw: st.DrawFn) -> CustomerFact:
    """Anything that may be said; times and message ids are made distinct by the list."""
    kind = draw(st.sampled_from(("said", "alias", "reset", "bought", "bought", "loose", "undone")))
    at, names, person_product = draw(when), draw(who), draw(device)
    if kind == "said":
        return said(at, *names, device=person_product)
    if kind == "alias":
        return said(at, *names, previous=draw(st.sampled_from((*WHO, "device:d1"))))
    if kind == "reset":
        return reset(at, person_product or "d1")
    if kind == "bought":
        return bought(names, at, *draw(products), device=person_product, order=draw(order))
    if kind == "loose":
        return bought("", at, *draw(products), device=person_product or "d1", order=draw(order))
    return undone(draw(order), at, *draw(st.sampled_from(((), ("tea",)))))


order = st.integers(0, 12).map(str)


def numbered(facts: Sequence[CustomerFact]) -> list[CustomerFact]:
    """Distinct message ids; equal times stay equal."""
    return [structs.replace(f, message_id=f"m{n}") for n, f in zip(count(), facts, strict=False)]


def finally_so(facts: Sequence[CustomerFact], per_record: int = 1) -> dict[str, Any]:
    """The record after the facts, which arrive while time goes on, and some quiet days."""
    shop = Shop().fold([tick(201)]).fold(facts, per_record).pass_days(*QUIET, per_day=2)
    return {table.table: shop.table(table) for table in (IdentityRow, RefusalRow, CycleRow)}


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_order_gives_the_same_people_refusals_and_cycles(data: st.DataObject) -> None:
    facts = numbered(data.draw(st.lists(fact(), max_size=14))) + CROWD
    shuffled = list(facts)
    Random(data.draw(st.integers(0, 1_000))).shuffle(shuffled)
    per_record = data.draw(st.integers(1, 14))
    assert finally_so(shuffled, per_record) == finally_so(facts)


@settings(max_examples=100, deadline=None)
@given(st.lists(fact(), max_size=14))
def test_the_record_is_what_a_naive_recount_of_the_whole_history_says(
    drawn: list[CustomerFact],
) -> None:
    facts = numbered(drawn) + CROWD
    found = finally_so(facts)
    naive = Naive(facts)
    assert {r["identifier"]: r["canonical"] for r in found["identities"]} == naive.canonical
    assert len(found["link_refusals"]) == naive.refused
    assert len(found["cycles"]) >= 4
    assert {(r["person_id"], r["product_id"]): r["state"] for r in found["cycles"]} == naive.states


class Naive:
    """People, refusals and cycles from the whole history at once: slow, and plain."""

    def __init__(self, facts: Sequence[CustomerFact]) -> None:
        self.facts = sorted(facts, key=lambda f: (f.time, f.message_id))
        self.groups: list[set[str]] = []
        refused = {
            (f.identifiers, f.previous_id if not f.previous_id.startswith("device:") else "", other)
            for f in self.facts
            for other in self._link(f)
        }
        self.refused = len(refused)
        self.canonical = {i: min(g, key=rank) for g in self.groups for i in g}
        self.states = self._states()

    def _group(self, identifier: str) -> set[str]:
        for group in self.groups:
            if identifier in group:
                return group
        self.groups.append({identifier})
        return self.groups[-1]

    def _link(self, fact: CustomerFact) -> list[str]:
        """Join what the fact says; the identifiers it could not join."""
        refused = []
        if fact.previous_id and not fact.previous_id.startswith("device:"):
            self._join(fact.previous_id, fact.identifiers[0])
        for other in fact.identifiers:
            both = self._group(fact.identifiers[0]), self._group(other)
            named = [any(i.startswith("user_id:") for i in group) for group in both]
            if both[0] is not both[1] and all(named):
                refused.append(other)
            else:
                self._join(fact.identifiers[0], other)
        return refused

    def _join(self, left: str, right: str) -> None:
        a, b = self._group(left), self._group(right)
        if a is not b:
            self.groups.remove(b)
            a |= b

    def _owner(self, device: str, time: int) -> str:
        said_so = []
        for f in self.facts:
            if f.device == device and (f.identifiers or f.kind == "reset"):
                said_so.append((f.time, f.identifiers[0] if f.identifiers else ""))
            elif f.previous_id == f"device:{device}":
                said_so.append((f.time, f.identifiers[0]))
        before = [name for at, name in said_so if at <= time] or [name for _, name in said_so[:1]]
        return (before[-1] if before else "") or f"device:{device}"

    def _bought(self) -> dict[tuple[str, str], list[int]]:
        """(person, product) → times."""
        found: dict[tuple[str, str], list[int]] = {}
        for order_id in {f.order.order_id for f in self.facts if f.order}:
            told = [f for f in self.facts if f.order and f.order.order_id == order_id]
            made = [f for f in told if f.order and f.order.status == "completed"][:4]
            undone = [f.order for f in told if f.order and f.order.status == "refunded"]
            if not made or any(not back.items for back in undone):
                continue
            names = [f.identifiers[0] for f in made if f.identifiers]
            devices = [f.device for f in made if f.device]
            owner = names[0] if names else self._owner(devices[0], made[0].time)
            person = self.canonical.get(owner, owner)
            back = [item.product_id for order in undone for item in order.items]
            assert made[0].order
            for item in made[0].order.items:
                if item.product_id not in back:
                    found.setdefault((person, item.product_id), []).append(made[0].time)
        return found

    def _states(self) -> dict[tuple[str, str], str]:
        bought = {key: sorted(times) for key, times in self._bought().items()}
        site, each = Sums(), dict[str, Sums]()
        for (_, product), times in bought.items():
            own = interval_sums(times)
            for sums in (site, each.setdefault(product, Sums())):
                sums.add(own.intervals, own.total, own.squares, 1)
        states = {}
        for (person, product), times in bought.items():
            cycle = Cycle(len(times), *interval_sums(times))
            norm = norm_of([site, site, each[product]])
            foresee(cycle, norm, day(QUIET[1]), Policy())
            if cycle_columns(cycle):
                states[person_id("shop", person), product] = cycle.state
        return states
