"""Packed sessions: the same events come back, and packing changes nothing that is emitted."""

from collections.abc import Sequence
from unittest.mock import patch
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stages.visits import attempts, packed_sessions, watermark
from pipeline.stages.visits.device import (
    MAX_RECENT_EVENTS,
    NOBODY,
    Device,
    RecentEvent,
    all_packed,
    remember,
)
from pipeline.stages.visits.funnel import parse
from pipeline.stages.visits.sessions import GAP_MS, diff, spans
from schemas import topics
from schemas.events import Event, Order
from schemas.origins import Origin
from schemas.rows import AssertionRow, EventRow, OutcomeRow, SessionRow
from tests.pipeline.stages.visits.site import MINUTE, Site, end_of_time, event

HORIZON = 5 * MINUTE
NO_FUNNEL = parse("")
uuids = st.uuids().map(str)
hostile_ids = st.one_of(
    uuids,
    uuids.map(str.upper),
    uuids.map(lambda u: u.replace("-", "")),
    uuids.map(lambda u: "{" + u[1:]),
    uuids.map(lambda u: u[:35] + "ı"),
    st.uuids().map(lambda u: u.bytes.hex()),
    st.uuids().map(lambda u: f"ajs-next-1-{u}"),
    st.text(st.characters(codec="utf-8"), max_size=60),
)
identity_index = st.integers(NOBODY, 3)
events = st.builds(
    RecentEvent,
    st.integers(0, 20 * GAP_MS),
    hostile_ids,
    st.sampled_from(("", "/", "/a", "/ü", "Order")),
    st.booleans(),
    identity_index,
    st.sampled_from(("", "desktop", "mobile", "tablet", "bot")),
    st.booleans(),
    st.sampled_from(("", "purchase", "ticket", "feedback")),
)


def device_of(recent_events: list[RecentEvent]) -> Device:
    device = Device(0, 0, 0, [], identities=tuple((f"user_id:{n}",) for n in range(4)))
    for recent in recent_events:
        if recent.view:
            recent.active = True  # as a page always is
        remember(device, recent)
    return device


def with_emitted(device: Device, watermark: int) -> Device:
    diff(device, watermark)
    attempts.diff(device, HORIZON, NO_FUNNEL, watermark)
    return device


@given(st.lists(events, min_size=1, max_size=40), st.integers(0, 25 * GAP_MS))
def test_what_is_packed_comes_back(recent_events: list[RecentEvent], watermark: int) -> None:
    device = with_emitted(device_of(recent_events), watermark)
    before = msgspec.json.encode(device)
    packed_sessions.pack(device, watermark)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(device), type=Device)
    assert stored == device
    assert all(watermark - block.end > GAP_MS for block in stored.packed_blocks)
    packed_sessions.unpack(stored, 0, HORIZON, NO_FUNNEL)
    assert msgspec.json.encode(stored) == before


@given(st.lists(events, min_size=1, max_size=40), st.integers(0, 20 * GAP_MS))
def test_what_is_unpacked_for_a_late_event_is_what_it_may_touch(
    recent_events: list[RecentEvent], late: int
) -> None:
    device = with_emitted(device_of(recent_events), 99 * GAP_MS)
    sessions, events = list(device.stored), list(device.events)
    packed_sessions.pack(device, 99 * GAP_MS)
    packed_sessions.unpack(device, late, HORIZON, NO_FUNNEL)
    assert device.packed_events + len(device.events) == len(events)
    assert device.events == events[device.packed_events :]
    assert all(block.end + GAP_MS < late for block in device.packed_blocks)
    assert list(device.stored) == [s for s in sessions if s.start >= _first(device)]
    assert list(device.stored) == spans(device.events)


def _first(device: Device) -> int:
    return device.events[0].time if device.events else 99 * GAP_MS


@given(st.lists(events, min_size=1, max_size=40), st.lists(hostile_ids, max_size=5))
def test_a_packed_message_is_known_and_no_other(
    recent_events: list[RecentEvent], other_ids: list[str]
) -> None:
    device = with_emitted(device_of(recent_events), 99 * GAP_MS)
    ids = {(recent.message_id, recent.server_type) for recent in device.events}
    packed_sessions.pack(device, 99 * GAP_MS)
    assert not device.events
    assert all(packed_sessions.knows(device, *key) for key in ids)
    for message_id in (*other_ids, *(i.swapcase() for i, _ in ids), *(i[:-1] for i, _ in ids)):
        assert packed_sessions.knows(device, message_id, "") == ((message_id, "") in ids)


@given(st.lists(events, min_size=1, max_size=40), st.integers(0, 25 * GAP_MS))
def test_forgetting_keeps_whole_what_ended_later(
    recent_events: list[RecentEvent], before: int
) -> None:
    device = with_emitted(device_of(recent_events), 99 * GAP_MS)
    people = [
        device.identities[m.identity_index] if m.identity_index != NOBODY else ()
        for m in device.events
    ]
    packed_sessions.pack(device, 99 * GAP_MS)
    packed_sessions.forget(device, before)
    assert all(block.end >= before for block in device.packed_blocks)
    packed_sessions.unpack(device, 0, HORIZON, NO_FUNNEL)
    people_after = [
        device.identities[m.identity_index] if m.identity_index != NOBODY else ()
        for m in device.events
    ]
    assert people_after == people[len(people) - len(people_after) :]


def test_a_uuid_takes_sixteen_bytes() -> None:
    device = with_emitted(
        device_of([RecentEvent(n, str(UUID(int=n)), "/", view=True) for n in range(40)]), GAP_MS * 9
    )
    packed_sessions.pack(device, GAP_MS * 9)
    (block,) = device.packed_blocks
    assert len(block.body) < 40 * (16 + 2) + 16


minutes = st.integers(0, 60 * 4).map(lambda n: n * 7.5)
happenings = st.lists(
    st.tuples(
        minutes,
        st.sampled_from(("d1", "d2")),
        st.sampled_from(("page", "page", "track", "identify", "reset", "ticket", "purchase")),
        st.sampled_from(("/cart", "/pay", "/")),
        st.sampled_from(("ada", "bob")),
        uuids,
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda h: h[5],
)


def _event(draw: tuple[float, str, str, str, str, str]) -> Event:
    minute, device, kind, path, person, message_id = draw
    fields: dict[str, object] = {"message_id": message_id}
    if kind == "page":
        fields["path"] = path
    if kind == "identify":
        fields["identifiers"] = (f"user_id:{person}",)
    if kind == "purchase":
        fields["order"] = Order(order_id=message_id)
    return event(minute, device, kind, **fields)


def _emitted(site: Site) -> list[object]:
    """Rows and messages without their position in the record, which two devices of a tick may swap."""
    position = ("version", "offset", "index")
    tables = [
        site.rows(EventRow),
        site.rows(AssertionRow),
        site.final(SessionRow),
        site.final(OutcomeRow),
    ]
    rows = [[{k: v for k, v in row.items() if k not in position} for row in t] for t in tables]
    messages = [
        msgspec.structs.replace(message, origin=Origin("", 0, 0, 0))
        for topic in (topics.PAGES, topics.CUSTOMERS)
        for message in site.messages(topic)
    ]
    return [*rows, sorted(map(repr, messages))]


def _live(site: Site, arrival: Sequence[Event]) -> None:
    """A tick after every third event; then all is over."""
    now = 0.0
    for number, arriving in enumerate(arrival):
        now += 40 if number % 3 == 0 else 0
        site.take(arriving, *([end_of_time(now)] if number % 3 == 0 else ()))
    for minute in (now + 40, 3_000, 4_000):
        site.take(end_of_time(minute))


@settings(max_examples=150, deadline=None)
@given(happenings, st.randoms(use_true_random=False), st.sampled_from(("", "/cart > /pay")))
def test_packing_changes_nothing_that_is_emitted(
    draws: list[tuple[float, str, str, str, str, str]], random: object, funnel: str
) -> None:
    """Any order of arrival, ticks and re-sent messages between, within the lateness.

    All clocks are right: where one turns out to be ahead, a device that cannot be packed is looked
    at sooner.
    """
    events = [_event(draw) for draw in draws]
    arrival = [*events, *events[::3]]
    random.shuffle(arrival)  # type: ignore[attr-defined]
    packing, plain = Site(funnel, 100), Site(funnel, 100)
    right = patch.object(watermark, "with_corrected_receipt", lambda event, newest_tick: event)
    with right, patch.object(packed_sessions, "pack", lambda device, watermark: None):
        _live(plain, arrival)
    with right:
        _live(packing, arrival)
    assert _emitted(packing) == _emitted(plain)


def test_a_late_event_corrects_a_packed_attempt() -> None:
    site = Site("/cart > /pay").take(event(0, path="/cart"), event(400, path="/"), end_of_time(300))
    site.take(end_of_time(500), event(2, path="/pay"), end_of_time(501))
    assert [
        (o.revision, o.forward, o.was_forward)
        for o in site.messages(topics.PAGES)
        if o.page == "/cart"
    ] == [(0, False, None), (1, True, False)]


@pytest.mark.parametrize("count", [400, 3_000])
def test_a_device_of_many_sessions_is_bounded_and_counted(count: int) -> None:
    site = Site()
    for n in range(count):
        minute = n // 120 * 95 + n % 120 / 2
        site.take(event(minute, message_id=f"m{n}"))
        if n % 20 == 0:
            site.take(end_of_time(minute))
        if n % 100 == 99:
            site.take(event(minute + 0.1, message_id=f"m{n}"))  # once more
    newest = next(device for _, device in site.state.tables["devices"].items())
    assert newest.packed_events + len(newest.events) <= MAX_RECENT_EVENTS * 5 // 4
    site.take(*(end_of_time(minute + later) for later in range(10, 400)))
    assert len(site.rows(EventRow)) == count
    assert sum(events for _, _, events in site.sessions()) == count


def test_a_device_whose_events_are_all_packed_is_told_by_its_first_byte() -> None:
    encode = msgspec.msgpack.Encoder().encode
    assert all_packed(encode(Device(0, 5, -3, [])))
    assert not any(
        all_packed(encode(Device(at, 0, 0, []))) for at in (1, 127, 128, 1_760_000_000_000)
    )
