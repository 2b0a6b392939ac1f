"""`visits`: from a device's events to who used it, its sessions, and what became of its page views.

event → new? → row → mark → facts for `people`
tick  → devices whose time has come → sessions over, attempts decided → rows, outcomes
"""

import sys
from itertools import islice
from operator import attrgetter
from typing import Final

import msgspec

from pipeline.engine.stage import Emit, Record
from pipeline.engine.state.keyed import Keyed, State
from pipeline.engine.state.timers import Timers
from pipeline.stages.visits import (
    attempts,
    dedup_index,
    dedup_window,
    packed_sessions,
    rows,
    sessions,
    watermark,
)
from pipeline.stages.visits.calendar import Calendar
from pipeline.stages.visits.device import MAX_MARKS, NOBODY, Device, Mark, index_of, remember
from pipeline.stages.visits.funnel import Funnel
from pipeline.stages.visits.packed_sessions import knows
from pipeline.stages.visits.pages import template
from schemas import topics
from schemas.customers import CustomerFact
from schemas.events import Event
from schemas.outcomes import ORDER_COMPLETED, PageOutcome
from schemas.rejects import unreadable_row
from schemas.rows import AccountingRow, AssertionRow

NAME: Final = "visits"
PASS_ON_MS: Final = 10_000
"""A tick goes on to `people` and `dropoff` when the log's time has moved by so much."""
WEIGH_MS: Final = 10_000
"""The state is held against its bound when the log's time has moved by so much."""
LOOKS_PER_TICK: Final = 10_000
"""A tick is folded in one go (a look takes about 30 µs); the devices above wait for the next."""

_BELIEVED: Final = frozenset({"purchase", "ticket", "feedback"})
"""Event types that a page can be kept from sending; see `device.Mark.fact`."""
_PASSIVE: Final = frozenset({"ticket", "reset"})
"""Event types that are no activity on a site: they open no session and extend none."""

FRESH, BEYOND, REPEAT = 1, 2, 3
"""What becomes of an event: stored; stored, though it may be a repeat that is no longer recognised;
or told as a repeat."""

_decoder = msgspec.json.Decoder(Event)


class VisitsState(State):
    """`devices` by site and device; `recent` ids, and `timers` to forget them.

    `clock`: the log's time as `now`, when it was last `passed_on`, and while it lags behind the
    ticks, the newest one `heard`. When the state was last `weighed`, whether it was too `large`,
    and until when devices' sessions ended that were `forgotten` for that.
    """

    def __init__(self) -> None:
        self.devices: Keyed[Device] = Keyed(Device)
        self.recent: Keyed[list[int]] = Keyed(list[int])
        self.clock: Keyed[int] = Keyed(int)
        timers: Keyed[int] = Keyed(int)
        self.timers = Timers(timers)
        self.wakes = Calendar(self.devices, attrgetter("wake"), bits=10)
        self.oldest = Calendar(self.devices, attrgetter("oldest"), bits=16)
        super().__init__(devices=self.devices, recent=self.recent, clock=self.clock, timers=timers)

    @property
    def now(self) -> int:
        """The log's time, ms; 0 until the first tick."""
        return self.clock.get("now") or 0

    @property
    def newest(self) -> int:
        """The newest tick, ms: not below `now`, which may be on its way there."""
        return self.clock.get("heard") or self.now

    def remembered(self, lateness: int) -> int:
        """For how long devices are remembered now, ms: `lateness`, or less where room is short."""
        return max(0, min(lateness, self.now - (self.clock.get(dedup_window.PAST) or 0)))


class Visits:
    """The stage. `horizon` and `lateness` in ms; see `pipeline.settings`.

    `room` are the bytes that a partition's state may take. When it takes more, sessions are
    forgotten before their lateness, those that ended first, but none within half an hour.
    """

    name: Final = NAME
    source: Final = topics.EVENTS

    def __init__(
        self, horizon: int, lateness: int, funnel: Funnel, room: int = sys.maxsize
    ) -> None:
        self.horizon, self.lateness, self.funnel = horizon, lateness, funnel
        self.room = room

    def new_state(self) -> VisitsState:
        """Nothing known."""
        return VisitsState()

    def process(self, state: State, record: Record, emit: Emit) -> None:
        """One record: its events in order, then what it adds to the books."""
        assert isinstance(state, VisitsState)
        books = _Books(record.events)
        newest = state.newest
        for event in _events(record, emit, books, state.now):
            if event.type == "tick":
                self._tick(state, event.time, emit)
                newest = state.newest
                continue
            taken = event
            if abs(event.received_at - newest) > watermark.ORDINARY_MS:
                taken = watermark.received(event, newest)
            books.count(taken, self._take(state, taken, emit))
        books.close(emit)

    def _take(self, state: VisitsState, event: Event, emit: Emit) -> int:
        """Fold one event in; REPEAT for one that was here before, BEYOND for one that may have been."""
        if not event.anonymous_id:
            return self._take_without_device(state, event, emit)
        key = f"{event.site}\n{event.anonymous_id}"
        device = state.devices.get(key)
        skew = event.received_at - event.time
        clock, taken = state.clock, FRESH
        if device is None:
            device = Device(0, 0, skew, [])
            if dedup_window.beyond_device(clock, event.time):
                taken = BEYOND
        elif knows(device, event.message_id, _fact(event)):
            return REPEAT
        else:
            device.skew = min(device.skew, skew)
            if dedup_window.beyond_marks(clock, device, event.time, self.lateness):
                taken = BEYOND
        if device.past and event.time - device.past[-1].end <= sessions.GAP_MS:
            packed_sessions.unpack(device, event.time, self.horizon, self.funnel)
        mark = self._mark(device, event)
        place = remember(device, mark)
        if place is None:
            return REPEAT
        emit.row(rows.event_row(event))
        if mark.who != NOBODY or event.opt_out or event.type in rows.FACTS:
            self._tell_people(device, event, place, emit)
        if len(device.marks) + device.packed > MAX_MARKS + MAX_MARKS // 4:
            self._make_room(event.site, event.anonymous_id, device, emit)
        self._wake(state, key, device, mark)
        state.devices.put(key, device)
        return taken

    def _make_room(self, site: str, name: str, device: Device, emit: Emit) -> None:
        """Forget the oldest marks, after telling what they decide by the device's newest event."""
        packed_sessions.unpack(device, 0, self.horizon, self.funnel)
        newest = device.marks[-1].time
        self._tell_sessions(site, name, device, newest, emit)
        self._tell_outcomes(site, name, device, newest + device.skew, emit)
        sessions.forget(device, -(2**62), MAX_MARKS)

    def _take_without_device(self, state: VisitsState, event: Event, emit: Emit) -> int:
        key, digest = dedup_index.place(event)
        way = dedup_index.remember(state.recent, key, digest)
        if not way:
            return REPEAT
        today = (state.clock.get("now") or event.received_at) // dedup_index.DAY_MS
        for bucket in way:
            state.timers.set(f"\n{bucket}", (today + dedup_index.WINDOW_DAYS) * dedup_index.DAY_MS)
        emit.row(rows.event_row(event))
        if event.type in rows.FACTS or len(event.identifiers) > 1 or event.opt_out:
            emit.out(topics.CUSTOMERS, event.site, rows.fact_of(event, emit))
        return BEYOND if dedup_window.beyond_buckets(state.clock, event.time) else FRESH

    def _mark(self, device: Device, event: Event) -> Mark:
        step, view = self._step(event)
        asserted = ("",) if event.type == "reset" else event.identifiers
        who = index_of(device, asserted) if asserted else NOBODY
        return Mark(
            event.time,
            event.message_id,
            step,
            view,
            who,
            event.device_class,
            event.type not in _PASSIVE,
            _fact(event),
        )

    def _step(self, event: Event) -> tuple[str, bool]:
        """The step an event is, and whether it is a page."""
        if event.type in ("page", "screen"):
            return template(event.path or "/" + event.event), True
        # Without an order where the page's key has no right to sell.
        if (
            event.event == ORDER_COMPLETED
            if event.order is None
            else event.order.status == "completed"
        ):
            return ORDER_COMPLETED, False
        return (event.event, False) if event.event in self.funnel else ("", False)

    def _tell_people(self, device: Device, event: Event, place: int, emit: Emit) -> None:
        """Pass on what concerns customers: assertions that change something, purchases, tickets."""
        mark = device.marks[place]
        fact = event.type in rows.FACTS or (event.opt_out and not device.opted_out)
        if mark.who == NOBODY and not fact:
            return
        device.opted_out = device.opted_out or event.opt_out
        earlier = _asserting(device.marks, place, -1)
        before = packed_sessions.last_who(device) if earlier is None else earlier.who
        changes = mark.who not in (NOBODY, before)
        if changes:
            emit.row(_assertion_row(event, mark, device.identities[mark.who]))
        if changes or fact:
            emit.out(topics.CUSTOMERS, event.site, rows.fact_of(event, emit))
        after = _asserting(device.marks, place, 1) if changes and before != NOBODY else None
        if after is not None and before == after.who:
            self._assert_again(device, event, after, emit)

    def _assert_again(self, device: Device, event: Event, mark: Mark, emit: Emit) -> None:
        """A late assertion split a run: the run's next member was redundant and no longer is."""
        identity = device.identities[mark.who]
        emit.row(_assertion_row(event, mark, identity))
        fact = CustomerFact(
            kind="assertion" if identity[0] else "reset",
            site=event.site,
            time=mark.time,
            message_id=mark.message_id,
            origin=emit.origin,
            device=event.anonymous_id,
            identifiers=identity if identity[0] else (),
        )
        emit.out(topics.CUSTOMERS, event.site, fact)

    def _wake(self, state: VisitsState, key: str, device: Device, mark: Mark) -> None:
        """See to it that a tick looks at the device when the event can have been decided."""
        wait = self.horizon if mark.view else sessions.GAP_MS
        deadline = mark.time + wait + 1 + device.skew
        if not device.wake or deadline < device.wake:
            device.wake = deadline
            state.wakes.add(key, deadline)

    def _tick(self, state: VisitsState, time: int, emit: Emit) -> None:
        """The log's time moves on: never back, whoever's clock said so."""
        now = _move(state.clock, time)
        for bucket in islice(state.timers.due(now), LOOKS_PER_TICK):
            state.recent.delete(bucket[1:])
            dedup_window.forget_bucket(state.clock, dedup_index.end_of(bucket[1:]))
        for key in state.wakes.due(now, LOOKS_PER_TICK):
            self._look(state, key, now, emit)
        for key in state.oldest.due(now - self.lateness - 1, LOOKS_PER_TICK):
            self._look(state, key, now, emit)
        self._make_space(state, now)
        if now - (state.clock.get("passed_on") or 0) >= PASS_ON_MS:
            state.clock.put("passed_on", now)
            _pass_on(now, emit)

    def _look(self, state: VisitsState, key: str, now: int, emit: Emit) -> None:
        """Tell what is decided about a device by now, and set its next deadline."""
        device = state.devices.get(key)
        if device is None:
            return
        if len(device.marks) + device.packed > MAX_MARKS:
            packed_sessions.unpack(device, 0, self.horizon, self.funnel)
        site, _, name = key.partition("\n")
        watermark = now - device.skew
        waiting: list[attempts.Attempt] = []
        newest = packed_sessions.newest_time(device)
        if device.marks:
            self._tell_sessions(site, name, device, watermark, emit)
            waiting = self._tell_outcomes(site, name, device, now, emit)
            sessions.forget(device, watermark - self.lateness, MAX_MARKS)
        packed_sessions.forget(device, watermark - self.lateness)
        packed_sessions.pack(device, watermark)
        if not device.marks and not device.past:
            state.devices.delete(key)
            dedup_window.forget_device(state.clock, newest, now)
            return
        device.wake = 0
        if device.marks:
            device.wake = device.skew + self._next_look(device, waiting, watermark)
            state.wakes.add(key, device.wake)
        self._keep(state, key, device)

    def _keep(self, state: VisitsState, key: str, device: Device) -> None:
        """Put a device back whose past has changed."""
        oldest = device.skew + device.past[0].end if device.past else 0
        if oldest != device.oldest:
            device.oldest = oldest
            state.oldest.add(key, oldest)
        state.devices.put(key, device)

    def _make_space(self, state: VisitsState, now: int) -> None:
        """Whoever makes up visitors by the million must not fill the memory of those who are.

        What state alone says when, so that a replay forgets the same.
        """
        clock = state.clock
        if now - (clock.get("weighed") or 0) < WEIGH_MS and "large" not in clock:
            return
        clock.put("weighed", now)
        looks = LOOKS_PER_TICK
        while (large := state.size() > self.room) and looks > 0:
            until, keys = state.oldest.first(looks)
            if not keys:
                break
            for key in keys:
                self._forget_first(state, key, until)
            clock.put(dedup_window.PAST, until)
            looks -= len(keys)
        if large:
            clock.put("large", 1)
        elif "large" in clock:
            clock.delete("large")

    def _forget_first(self, state: VisitsState, key: str, until: int) -> None:
        """Forget what of a device's past ended before `until`, in the log's time."""
        device = state.devices.get(key)
        assert device is not None
        newest = packed_sessions.newest_time(device)
        packed_sessions.forget(device, until - device.skew)
        if device.marks or device.past:
            self._keep(state, key, device)
        else:
            state.devices.delete(key)
            dedup_window.forget_device(state.clock, newest, state.now)

    def _tell_sessions(
        self, site: str, name: str, device: Device, watermark: int, emit: Emit
    ) -> None:
        restated = sessions.restate(device, watermark)
        for span in restated.withdrawn:
            rows.session_row(site, name, span, emit, deleted=True)
        for span in restated.told:
            rows.session_row(site, name, span, emit, deleted=False)

    def _tell_outcomes(
        self, site: str, name: str, device: Device, now: int, emit: Emit
    ) -> list[attempts.Attempt]:
        told, gone, waiting = attempts.restate(device, self.horizon, self.funnel, now - device.skew)
        for was in gone:
            rows.withdrawn_outcome(site, name, was, now, emit)
        for each in told:
            rows.outcome(site, name, each, now, emit)
        return waiting

    def _next_look(self, device: Device, waiting: list[attempts.Attempt], watermark: int) -> int:
        """In the device's own time, of what is not packed: horizon, session end, end of lateness."""
        spans = sessions.spans(device.marks, device.carry)
        times = [attempt.time + self.horizon + 1 for attempt in waiting]
        times += [t for span in spans if (t := sessions.close_time(span)) > watermark]
        if device.carry is None:
            times.append(device.marks[-1].time + sessions.GAP_MS + 1)  # then it can be packed
        oldest = spans[0].end if spans else device.marks[0].time
        times.append(oldest + self.lateness + 1)
        return max(min(times), watermark + 1)


def _fact(event: Event) -> str:
    return event.type if event.type in _BELIEVED else ""


class _Books:
    """A record's part of the books, per site. `declared` lines that cannot be read stay with ""."""

    def __init__(self, declared: int) -> None:
        self._unread = declared
        self._sites: dict[str, list[int]] = {}  # newest, stored, beyond the window, repeated
        self.rejected = 0

    def count(self, event: Event, taken: int) -> None:
        """What became of one event: FRESH, BEYOND or REPEAT."""
        sums = self._sites.get(event.site)
        if sums is None:
            sums = self._sites[event.site] = [0, 0, 0, 0]
        if event.received_at > sums[0]:  # noqa: PLR1730  # max() is slow for every event
            sums[0] = event.received_at
        sums[taken] += 1
        self._unread -= 1

    def close(self, emit: Emit) -> None:
        """Write one row per site."""
        for site, (newest, fresh, beyond, repeated) in self._sites.items():
            stored = fresh + beyond
            emit.row(
                AccountingRow(
                    site=site,
                    time=newest,
                    declared=stored + repeated,
                    stored=stored,
                    deduplicated=repeated,
                    beyond_window=beyond,
                )
            )
        if self._unread or self.rejected:
            emit.row(AccountingRow(declared=self._unread, rejected=self.rejected))


def _events(record: Record, emit: Emit, books: _Books, now: int) -> list[Event]:
    """A record's events; each line that is none becomes a reject."""
    try:
        return _decoder.decode_lines(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [e for line in record.value.split(b"\n") if (e := _event(line, emit, books, now))]


def _event(line: bytes, emit: Emit, books: _Books, now: int) -> Event | None:
    if not line.strip():
        return None
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        emit.row(unreadable_row(line, error, topics.EVENTS.name, now))
        books.rejected += 1
        return None


def _assertion_row(event: Event, mark: Mark, identity: tuple[str, ...]) -> AssertionRow:
    return AssertionRow(
        site=event.site,
        device=event.anonymous_id,
        time=mark.time,
        message_id=mark.message_id,
        identifier=identity[0],
    )


def _asserting(marks: list[Mark], place: int, step: int) -> Mark | None:
    """The nearest mark before (step −1) or after (1) a place that asserts an identity."""
    stop = -1 if step < 0 else len(marks)
    return next((marks[n] for n in range(place + step, stop, step) if marks[n].who != NOBODY), None)


def _move(clock: Keyed[int], time: int) -> int:
    """Hear a tick; the log's time afterwards."""
    before = clock.get("now") or 0
    heard = clock.get("heard") or before
    now = watermark.moved(before, heard, time)
    newest = max(heard, time)
    clock.put("now", now)
    if now < newest:
        clock.put("heard", newest)
    elif "heard" in clock:
        clock.delete("heard")
    return now


def _pass_on(now: int, emit: Emit) -> None:
    emit.out_beside(
        topics.CUSTOMERS,
        CustomerFact(kind="tick", site="", time=now, message_id="", origin=emit.origin),
    )
    emit.out_beside(
        topics.PAGES, PageOutcome(site="", page="", time=now, decided_at=now, origin=emit.origin)
    )
