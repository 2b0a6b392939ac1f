"""Where devices take more room than there is, those whose sessions ended first are forgotten first."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine.state.deltas import changes_of, delta_of, restore, settle, snapshot_of
from pipeline.engine.state.keyed import State
from pipeline.engine.transports.contract import Delta
from pipeline.stages.visits import stage as visits
from pipeline.stages.visits.state import VisitsState
from schemas.events import Event
from schemas.rows import EventRow, OutcomeRow, SessionRow
from tests.pipeline.stages.visits.site import MINUTE, START, Site, end_of_time, event

HOUR = 60


def crowd(hours: int, visitors: int, seed: int = 1) -> list[list[Event]]:
    """Minute by minute, visits of one to five views; then the minute's tick."""
    random = Random(seed)
    number = 0
    minutes = []
    for minute in range(hours * HOUR):
        views = []
        for _ in range(visitors):
            number += 1
            name = f"{random.getrandbits(128):032x}" if random.random() < 0.9 else "again"
            for view in range(random.randrange(1, 6)):
                views.append(event(minute + view / 10, name, message_id=f"m{number}-{view}"))
        minutes.append([*views, end_of_time(minute + 1)])
    return minutes


def state_of(site: Site) -> VisitsState:
    assert isinstance(site.state, VisitsState)
    return site.state


def test_devices_are_forgotten_oldest_first_down_to_the_room_and_counted_all_the_same() -> None:
    room = 100_000
    site, plain = Site(), Site()
    site.stage.limits = site.stage.limits._replace(state_limit_bytes=room)
    for minute in crowd(5, 5):
        site.take(*minute)
        plain.take(*minute)
    state, unlimited = state_of(site), state_of(plain)
    assert state.size() < room * 1.05 < unlimited.size() / 2
    remembered_ms = state.remembered_ms(24 * HOUR * MINUTE)
    assert HOUR * MINUTE // 2 < remembered_ms < 3 * HOUR * MINUTE
    keys = {key for key, _ in state.devices.items()}
    for key, device in unlimited.devices.items():
        newest = device.events[-1].time if device.events else device.packed_blocks[-1].end
        if newest >= state.now - remembered_ms:
            assert key in keys
    assert site.final(SessionRow) == plain.final(SessionRow)
    assert site.final(OutcomeRow) == plain.final(OutcomeRow)


def test_time_grows_back_when_visitors_are_few() -> None:
    site = Site()
    site.stage.limits = site.stage.limits._replace(state_limit_bytes=50_000)
    for minute in crowd(3, 5):
        site.take(*minute)
    short = state_of(site).remembered_ms(24 * HOUR * MINUTE)
    for later in range(180, 180 + 26 * HOUR, 4):
        site.take(event(later, "one", message_id=f"{later}"), end_of_time(later))
    assert short < 3 * HOUR * MINUTE
    assert state_of(site).remembered_ms(24 * HOUR * MINUTE) == 24 * HOUR * MINUTE


def test_nobody_is_forgotten_within_half_an_hour_whatever_the_room() -> None:
    site = Site()
    site.stage.limits = site.stage.limits._replace(state_limit_bytes=1)
    for minute in crowd(2, 3):
        site.take(*minute)
    state = state_of(site)
    remembered_ms = state.remembered_ms(24 * HOUR * MINUTE)
    assert 30 * MINUTE <= remembered_ms < 33 * MINUTE
    again = [e for minute in crowd(2, 3)[-29:] for e in minute if e.type != "tick"]
    before = len(site.rows(EventRow))
    site.take(*again)
    assert len(site.rows(EventRow)) == before


def _reload(site: Site) -> None:
    """The state, as a worker that starts again finds it."""
    fresh = site.stage.new_state()
    changes = changes_of(site.state)
    settle(site.state, changes)
    snapshot = snapshot_of(site.state)
    asyncio.run(restore(fresh, snapshot, _none()))
    site.state = fresh


async def _none() -> AsyncIterator[Delta]:
    for delta in list[Delta]():
        yield delta


def _bytes(state: State) -> dict[str, dict[str, bytes | None]]:
    changes = changes_of(state)
    settle(state, changes)
    return {name: dict(sorted(t.encoded().items())) for name, t in state.tables.items()}


@pytest.mark.parametrize("looks", [7, 10_000])
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(2_000, 60_000))
def test_what_is_forgotten_follows_from_the_state_however_batches_are_cut(
    looks: int, seed: int, room: int
) -> None:
    """In one batch, or in many with restarts between: rows, outputs and state are the same bytes."""
    random = Random(seed)
    steady, restarted = Site(), Site()
    limits = steady.stage.limits._replace(state_limit_bytes=room)
    steady.stage.limits = restarted.stage.limits = limits
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visits, "REVIEWS_PER_TICK", looks)
        for minute in crowd(2, 2, seed):
            steady.take(*minute)
            restarted.take(*minute)
            if random.random() < 0.2:
                changes = changes_of(restarted.state)
                delta_of(restarted.state, changes, 0)
                settle(restarted.state, changes)
            if random.random() < 0.05:
                _reload(restarted)
            if random.random() < 0.2:
                restarted.state.tables["devices"].size()
    assert steady.emit.rows == restarted.emit.rows
    assert steady.emit.outputs == restarted.emit.outputs
    assert _bytes(steady.state) == _bytes(restarted.state)
    assert state_of(steady).clock.get("now") == START + 2 * HOUR * MINUTE


def test_a_device_that_comes_again_and_again_stands_in_the_calendar_once() -> None:
    site = Site()
    state = state_of(site)
    assert (
        state.oldest_blocks.due(0, 1) == state.reviews.due(0, 1) == []
    )  # from now on they are kept
    for visit in range(20):
        site.take(event(visit * 50, message_id=f"{visit}"), end_of_time(visit * 50 + 1))
        site.take(*(end_of_time(visit * 50 + later) for later in range(10, 50, 5)))
    entries = [
        key
        for calendar in (state.oldest_blocks, state.reviews)
        for keys in calendar._load_buckets().values()
        for key in keys
    ]
    assert entries == ["shop\nd1"]


def test_a_packed_device_is_forgotten_when_its_lateness_is_over_and_not_before() -> None:
    site = Site(lateness_hours=2)
    site.take(end_of_time(0), event(0))
    site.take(*(end_of_time(minute) for minute in range(1, 120)))
    assert len(state_of(site).devices) == 1
    assert not site.take(event(0)).rows(EventRow)[1:]
    site.take(end_of_time(120.1))
    assert len(state_of(site).devices) == 0
