"""Cycles follow purchases, identities and time; a new state becomes a trigger.

Once per cycle (person, product, last purchase) and state; a state crossed longer than
`Policy.fresh_ms` before it was first seen is recorded without a trigger, so an import of history is
silent. All of a person's products that are due at one tick are one trigger; what comes due within
the cool-down waits for its end. A reminder (due or late) is withdrawn when its cycle ends: bought
again, refunded, or somebody else's. When people merge, the reminder goes over with the cycle.
"""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from pipeline.stages.people import population, reminders
from pipeline.stages.people.context import PersonProduct, RecordContext
from pipeline.stages.people.cycles import (
    CycleColumns,
    cycle_columns,
    foresee,
    next_look,
    should_emit,
)
from pipeline.stages.people.identity import person_id
from pipeline.stages.people.interval_model import Norm, Sums, interval_sums
from pipeline.stages.people.reminders import EndedReminder
from pipeline.stages.people.state import Contact, Cycle, Pair, PeopleState, pair_key, split_pair_key
from pipeline.stages.people.trigger_emitter import opted_out
from schemas.rows import CycleRow
from schemas.time_units import DAY_MS


class _CycleId(NamedTuple):
    """What identifies a cycle when people merge: `person` is the canonical identifier now."""

    site: str
    person: str
    product: str
    last_purchase: int


class _FlushChanges:
    """What one flush has to write: rows as they were, reminders whose cycle ended, changes of sums."""

    def __init__(self) -> None:
        self.rows: dict[PersonProduct, CycleColumns | None] = {}
        self.ended_reminders: dict[_CycleId, EndedReminder] = {}
        self.sums: dict[tuple[str, str], Sums] = {}


class _Norms:
    """Norms looked up once per product while no count changes."""

    def __init__(self, state: PeopleState) -> None:
        self._state = state
        self._norms: dict[tuple[str, str], Norm | None] = {}

    def of(self, person_product: PersonProduct) -> Norm | None:
        key = person_product.site, person_product.product
        if key not in self._norms:
            self._norms[key] = population.norm(self._state, *key)
        return self._norms[key]


def flush(context: RecordContext) -> None:
    """Renew every stale cycle: first all counts, then all dates, which depend on the counts."""
    if not context.stale:
        return
    person_products, context.stale = context.stale, {}
    changes = _FlushChanges()
    for person_product in person_products:
        _recount(context, changes, person_product)
    for (site, product), change in changes.sums.items():
        population.add(context.state, site, product, change)
    norms = _Norms(context.state)
    for person_product in person_products:
        _renew(context, changes, norms, person_product)
    for cycle_id, reminder in changes.ended_reminders.items():
        reminders.withdraw(context, cycle_id.site, cycle_id.product, reminder)


def tick(context: RecordContext, time: int) -> None:
    """Advance the log's time to `time`, ms: look at the cycles that are due for it, emit new states."""
    state, policy = context.state, context.policy
    if time > state.now:
        state.clock.put("", time)
    now = state.now
    norms = _Norms(state)
    groups: dict[tuple[str, str, str], list[PersonProduct]] = {}
    for key in list(islice(state.timers.due(now), policy.cycles_per_tick)):
        person_product = PersonProduct(*split_pair_key(key))
        cycle = _refresh(context, norms, key, person_product)
        if cycle is None:
            continue
        if should_emit(cycle, now, policy):
            groups.setdefault((person_product.site, person_product.person, cycle.state), []).append(
                person_product
            )
        else:
            state.timers.set(key, next_look(cycle, now, policy))
    for (site, person, step), person_products in groups.items():
        _emit(context, site, person, step, person_products)


def _refresh(
    context: RecordContext, norms: _Norms, key: str, person_product: PersonProduct
) -> Cycle | None:
    pair = context.state.pairs.get(key)
    if pair is None or pair.cycle is None:
        return None
    before = cycle_columns(pair.cycle)
    foresee(pair.cycle, norms.of(person_product), context.state.now, context.policy)
    if cycle_columns(pair.cycle) != before:
        context.state.pairs.put(key, pair)
        _row(context, person_product, before, cycle_columns(pair.cycle))
    return pair.cycle


def _recount(context: RecordContext, changes: _FlushChanges, person_product: PersonProduct) -> None:
    state = context.state
    key = pair_key(*person_product)
    times, older = _history(state, person_product)
    pair = state.pairs.get(key) or Pair()
    cycle = pair.cycle
    changes.rows[person_product] = cycle_columns(cycle)
    if cycle is None and not times:
        return
    sums = interval_sums(times) if times else None
    change = changes.sums.setdefault((person_product.site, person_product.product), Sums())
    if cycle is not None:
        change.add(cycle.intervals, cycle.total, cycle.squares, -1)
    if sums is not None:
        change.add(sums.intervals, sums.total, sums.squares, 1)
    if (
        cycle is not None
        and cycle.emitted_state
        and (sums is None or sums.last_purchase != cycle.last_purchase)
    ):
        canonical = state.person_of(person_product.site, person_product.person)
        cycle_id = _CycleId(
            person_product.site, canonical, person_product.product, cycle.last_purchase
        )
        bought_again_at = (
            sums.last_purchase if sums and sums.last_purchase > cycle.last_purchase else 0
        )
        changes.ended_reminders[cycle_id] = EndedReminder(
            person_product.person,
            cycle.last_purchase,
            cycle.emitted_state,
            cycle.trigger_id,
            bought_again_at,
        )
        cycle.emitted_state = cycle.trigger_id = ""
    if sums is None:
        pair.cycle = None
    elif cycle is None:
        pair.cycle = Cycle(len(times) + older, *sums)
    else:
        cycle.purchases = len(times) + older
        cycle.last_purchase, cycle.intervals, cycle.total, cycle.squares = sums
    state.pairs.put(key, pair)


def _renew(
    context: RecordContext, changes: _FlushChanges, norms: _Norms, person_product: PersonProduct
) -> None:
    state, now = context.state, context.state.now
    key = pair_key(*person_product)
    pair = state.pairs.get(key)
    cycle = pair.cycle if pair is not None else None
    if pair is None or cycle is None:
        _row(context, person_product, changes.rows[person_product], None)
        state.timers.clear(key)
        if pair is not None and not pair.times:
            state.pairs.delete(key)
        return
    cycle_id = _CycleId(
        person_product.site, person_product.person, person_product.product, cycle.last_purchase
    )
    if not cycle.emitted_state and (reminder := changes.ended_reminders.pop(cycle_id, None)):
        cycle.emitted_state, cycle.trigger_id = reminder.emitted_state, reminder.trigger_id
    foresee(cycle, norms.of(person_product), now, context.policy)
    state.pairs.put(key, pair)
    state.timers.set(key, next_look(cycle, now, context.policy))
    _row(context, person_product, changes.rows[person_product], cycle_columns(cycle))


def _history(state: PeopleState, person_product: PersonProduct) -> tuple[Sequence[int], int]:
    """Purchase times of all of a person's identifiers, sorted, and how many older ones were dropped."""
    members = state.members(person_product.site, person_product.person)
    pairs = [
        state.pairs.get(pair_key(person_product.site, owner, person_product.product))
        for owner in members
    ]
    with_times = [pair for pair in pairs if pair is not None and pair.times]
    older = sum(pair.older for pair in with_times)
    if len(with_times) == 1:
        return with_times[0].times, older
    return sorted(time for pair in with_times for time in pair.times), older


def _row(
    context: RecordContext,
    person_product: PersonProduct,
    before: CycleColumns | None,
    after: CycleColumns | None,
) -> None:
    if before == after:
        return
    row, deleted = (after, 0) if after is not None else (before, 1)
    assert row is not None
    context.emit.row(
        CycleRow(
            site=person_product.site,
            person_id=person_id(person_product.site, person_product.person),
            product_id=person_product.product,
            purchases=row.purchases,
            last_purchase=row.last_purchase,
            interval_days=row.interval_days,
            due_at=row.due_at,
            late_at=row.late_at,
            lapsed_at=row.lapsed_at,
            state=row.state,
            version=context.emit.version,
            deleted=deleted,
        )
    )


def _emit(
    context: RecordContext,
    site: str,
    person: str,
    step: str,
    person_products: Sequence[PersonProduct],
) -> None:
    """Emit one trigger for all of a person's products in one state, or put it off."""
    state, now = context.state, context.state.now
    free_at = _last_emitted_at(state, site, person, step) + context.policy.cooldown_ms
    is_opted_out = opted_out(context, site, person)
    if is_opted_out or free_at > now:
        for person_product in person_products:
            state.timers.set(pair_key(*person_product), now + DAY_MS if is_opted_out else free_at)
        return
    pairs = {
        person_product.product: _pair(state, person_product) for person_product in person_products
    }
    trigger_id = reminders.emit_reminder(
        context, site, person, step, {p: c for p, (_, c) in pairs.items()}
    )
    for person_product in person_products:
        pair, cycle = pairs[person_product.product]
        cycle.emitted_state, cycle.trigger_id = step, trigger_id
        state.pairs.put(pair_key(*person_product), pair)
        state.timers.set(pair_key(*person_product), next_look(cycle, now, context.policy))
    contact = state.contacts.get(f"{site}\n{person}") or Contact()
    contact.emitted_at[step] = now
    state.contacts.put(f"{site}\n{person}", contact)


def _pair(state: PeopleState, person_product: PersonProduct) -> tuple[Pair, Cycle]:
    pair = state.pairs.get(pair_key(*person_product))
    assert pair is not None
    assert pair.cycle is not None
    return pair, pair.cycle


def _last_emitted_at(state: PeopleState, site: str, person: str, step: str) -> int:
    """When a trigger of this rule was last emitted for any of the person's identifiers, ms."""
    contacts = (state.contacts.get(f"{site}\n{member}") for member in state.members(site, person))
    return max((contact.emitted_at.get(step, 0) for contact in contacts if contact), default=0)
