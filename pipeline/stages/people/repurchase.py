"""Cycles kept in line with purchases, identities and time; what is due is told.

Told once per cycle (person, product, last purchase) and state; a state crossed longer than
`Policy.fresh` before it was first seen goes into the record untold, so an import of history is
silent. All of a person's products that are due at one tick are one trigger; what comes due within
the cool-down waits for its end. A reminder (due or late) is withdrawn when its cycle ends: bought
again, refunded, or somebody else's. When people merge, the reminder goes over with the cycle.
"""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from pipeline.stages.people import population, reminders
from pipeline.stages.people.context import Place, Turn
from pipeline.stages.people.cycles import RowPart, foresee, is_to_tell, next_look, row_part
from pipeline.stages.people.identity import person_id
from pipeline.stages.people.interval_model import Norm, Sums, own_of
from pipeline.stages.people.policy import DAY
from pipeline.stages.people.reminders import Ended
from pipeline.stages.people.state import Contact, Cycle, Pair, PeopleState, pair_key, split_pair_key
from pipeline.stages.people.trigger_emitter import opted_out
from schemas.rows import CycleRow


class _Cycle(NamedTuple):
    """The same cycle, whoever the person is called now."""

    site: str
    person: str
    product: str
    last: int


class _Flush:
    """One pass over the touched places: rows as they stood, reminders whose cycle ended."""

    def __init__(self) -> None:
        self.rows: dict[Place, RowPart | None] = {}
        self.ended: dict[_Cycle, Ended] = {}
        self.changes: dict[tuple[str, str], Sums] = {}


class _Norms:
    """Norms looked up once per product while no count changes."""

    def __init__(self, state: PeopleState) -> None:
        self._state = state
        self._known: dict[tuple[str, str], Norm | None] = {}

    def of(self, place: Place) -> Norm | None:
        key = place.site, place.product
        if key not in self._known:
            self._known[key] = population.norm(self._state, *key)
        return self._known[key]


def flush(turn: Turn) -> None:
    """Bring every touched cycle in line. First all counts, then all dates, which use the counts."""
    if not turn.touched:
        return
    places, turn.touched = turn.touched, {}
    work = _Flush()
    for place in places:
        _recount(turn, work, place)
    for (site, product), change in work.changes.items():
        population.add(turn.state, site, product, change)
    norms = _Norms(turn.state)
    for place in places:
        _renew(turn, work, norms, place)
    for cycle, ended in work.ended.items():
        reminders.withdraw(turn, cycle.site, cycle.product, ended)


def tick(turn: Turn, time: int) -> None:
    """Move time on: look at the cycles whose time has come, and tell what is new."""
    state, policy = turn.state, turn.policy
    if time > state.now:
        state.clock.put("", time)
    now = state.now
    norms = _Norms(state)
    groups: dict[tuple[str, str, str], list[Place]] = {}
    for key in list(islice(state.timers.due(now), policy.per_tick)):
        place = Place(*split_pair_key(key))
        cycle = _look(turn, norms, key, place)
        if cycle is None:
            continue
        if is_to_tell(cycle, now, policy):
            groups.setdefault((place.site, place.person, cycle.state), []).append(place)
        else:
            state.timers.set(key, next_look(cycle, now, policy))
    for (site, person, step), places in groups.items():
        _tell(turn, site, person, step, places)


def _look(turn: Turn, norms: _Norms, key: str, place: Place) -> Cycle | None:
    pair = turn.state.pairs.get(key)
    if pair is None or pair.cycle is None:
        return None
    before = row_part(pair.cycle)
    foresee(pair.cycle, norms.of(place), turn.state.now, turn.policy)
    if row_part(pair.cycle) != before:
        turn.state.pairs.put(key, pair)
        _row(turn, place, before, row_part(pair.cycle))
    return pair.cycle


def _recount(turn: Turn, work: _Flush, place: Place) -> None:
    state = turn.state
    key = pair_key(*place)
    times, older = _history(state, place)
    pair = state.pairs.get(key) or Pair()
    cycle = pair.cycle
    work.rows[place] = row_part(cycle)
    if cycle is None and not times:
        return
    own = own_of(times) if times else None
    change = work.changes.setdefault((place.site, place.product), Sums())
    if cycle is not None:
        change.add(cycle.intervals, cycle.total, cycle.squares, -1)
    if own is not None:
        change.add(own.intervals, own.total, own.squares, 1)
    if cycle is not None and cycle.told and (own is None or own.last != cycle.last):
        heir = state.person_of(place.site, place.person)
        same = _Cycle(place.site, heir, place.product, cycle.last)
        again = own.last if own and own.last > cycle.last else 0
        work.ended[same] = Ended(place.person, cycle.last, cycle.told, cycle.told_id, again)
        cycle.told = cycle.told_id = ""
    if own is None:
        pair.cycle = None
    elif cycle is None:
        pair.cycle = Cycle(len(times) + older, *own)
    else:
        cycle.purchases = len(times) + older
        cycle.last, cycle.intervals, cycle.total, cycle.squares = own
    state.pairs.put(key, pair)


def _renew(turn: Turn, work: _Flush, norms: _Norms, place: Place) -> None:
    state, now = turn.state, turn.state.now
    key = pair_key(*place)
    pair = state.pairs.get(key)
    cycle = pair.cycle if pair is not None else None
    if pair is None or cycle is None:
        _row(turn, place, work.rows[place], None)
        state.timers.clear(key)
        if pair is not None and not pair.times:
            state.pairs.delete(key)
        return
    same = _Cycle(place.site, place.person, place.product, cycle.last)
    if not cycle.told and (kept := work.ended.pop(same, None)):
        cycle.told, cycle.told_id = kept.told, kept.told_id
    foresee(cycle, norms.of(place), now, turn.policy)
    state.pairs.put(key, pair)
    state.timers.set(key, next_look(cycle, now, turn.policy))
    _row(turn, place, work.rows[place], row_part(cycle))


def _history(state: PeopleState, place: Place) -> tuple[Sequence[int], int]:
    """Purchase times of all of a person's identifiers, sorted, and how many older were let go."""
    members = state.members(place.site, place.person)
    pairs = [state.pairs.get(pair_key(place.site, owner, place.product)) for owner in members]
    known = [pair for pair in pairs if pair is not None and pair.times]
    older = sum(pair.older for pair in known)
    if len(known) == 1:
        return known[0].times, older
    return sorted(time for pair in known for time in pair.times), older


def _row(turn: Turn, place: Place, before: RowPart | None, after: RowPart | None) -> None:
    if before == after:
        return
    row, deleted = (after, 0) if after is not None else (before, 1)
    assert row is not None
    turn.emit.row(
        CycleRow(
            site=place.site,
            person_id=person_id(place.site, place.person),
            product_id=place.product,
            purchases=row.purchases,
            last_purchase=row.last_purchase,
            interval_days=row.interval_days,
            due_at=row.due_at,
            late_at=row.late_at,
            lapsed_at=row.lapsed_at,
            state=row.state,
            version=turn.emit.version,
            deleted=deleted,
        )
    )


def _tell(turn: Turn, site: str, person: str, step: str, places: Sequence[Place]) -> None:
    """Tell of all of a person's products in one state, or put it off."""
    state, now = turn.state, turn.state.now
    free_at = _last_told(state, site, person, step) + turn.policy.cooldown
    quiet = opted_out(turn, site, person)
    if quiet or free_at > now:
        for place in places:
            state.timers.set(pair_key(*place), now + DAY if quiet else free_at)
        return
    pairs = {place.product: _pair(state, place) for place in places}
    told_id = reminders.tell(turn, site, person, step, {p: c for p, (_, c) in pairs.items()})
    for place in places:
        pair, cycle = pairs[place.product]
        cycle.told, cycle.told_id = step, told_id
        state.pairs.put(pair_key(*place), pair)
        state.timers.set(pair_key(*place), next_look(cycle, now, turn.policy))
    contact = state.contacts.get(f"{site}\n{person}") or Contact()
    contact.told[step] = now
    state.contacts.put(f"{site}\n{person}", contact)


def _pair(state: PeopleState, place: Place) -> tuple[Pair, Cycle]:
    pair = state.pairs.get(pair_key(*place))
    assert pair is not None
    assert pair.cycle is not None
    return pair, pair.cycle


def _last_told(state: PeopleState, site: str, person: str, step: str) -> int:
    """When the person, by any of their identifiers, last heard of this rule."""
    contacts = (state.contacts.get(f"{site}\n{member}") for member in state.members(site, person))
    return max((contact.told.get(step, 0) for contact in contacts if contact), default=0)
