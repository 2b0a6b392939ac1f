"""Rollups equal a recount from the source rows, whenever they were rebuilt."""

from collections import Counter
from typing import Any

import pytest

from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.rollups import Rollups
from schemas.rows import EventRow, ForwardSetRow, OutcomeRow, Row
from tests.pipeline.warehouse.rows import HOUR, MINUTE, NOON, row, store


def minutes(warehouse: Warehouse, site: str) -> list[tuple[Any, ...]]:
    return warehouse.query(
        "SELECT toUnixTimestamp(minute) * 1000 AS at, device_class, events, page_views, "
        "finalizeAggregation(visitors) AS visitors FROM minutes FINAL "
        "WHERE site = {site:String} ORDER BY at, device_class",
        {"site": site},
    ).rows


def page_hours(warehouse: Warehouse, site: str) -> list[tuple[Any, ...]]:
    return warehouse.query(
        "SELECT page, toUnixTimestamp(hour) * 1000 AS at, device_class, attempts, forward, failed "
        "FROM page_hours FINAL WHERE site = {site:String} ORDER BY page, at, device_class",
        {"site": site},
    ).rows


def event(site: str, number: int, **values: Any) -> Row:
    return row(EventRow, site=site, message_id=f"m{number}", device=f"d{number % 2}", **values)


def outcome(site: str, number: int, **values: Any) -> Row:
    return row(OutcomeRow, **{"site": site, "message_id": f"m{number}", "page": "/cart", **values})


@pytest.fixture
def rollups(warehouse: Warehouse) -> Rollups:
    """Rollups of a worker that has just started."""
    return Rollups(warehouse)


def test_minutes_count_events_views_and_visitors(
    warehouse: Warehouse, rollups: Rollups, site: str
) -> None:
    store(
        warehouse,
        EventRow,
        event(site, 0),
        event(site, 1, time=NOON + MINUTE - 1, type="track"),
        event(site, 2, time=NOON + 5),
        event(site, 3, time=NOON + MINUTE, device_class="mobile"),
    )
    rollups.refresh()
    assert minutes(warehouse, site) == [(NOON, "", 3, 2, 2), (NOON + MINUTE, "mobile", 1, 1, 1)]


def test_a_late_event_changes_its_minute_and_a_repeat_changes_nothing(
    warehouse: Warehouse, rollups: Rollups, site: str
) -> None:
    store(warehouse, EventRow, event(site, 0), event(site, 1))
    rollups.refresh()
    store(warehouse, EventRow, event(site, 0), event(site, 5), offset=1)
    rollups.refresh()
    assert minutes(warehouse, site) == [(NOON, "", 3, 3, 2)]


def test_lost_rollups_are_rebuilt_from_what_is_stored(warehouse: Warehouse, site: str) -> None:
    counts = Counter({NOON - 200 * 24 * HOUR: 3, NOON: 2, NOON + MINUTE: 1})
    for place, (time, count) in enumerate(counts.items()):
        events = [event(site, 10 * place + n, time=time) for n in range(count)]
        store(warehouse, EventRow, *events, offset=place)
    Rollups(warehouse).refresh()
    for table in ("minutes", "rollup_marks"):
        warehouse.execute(f"TRUNCATE TABLE {table}")
    Rollups(warehouse).refresh()
    assert {at: events for at, _, events, *_ in minutes(warehouse, site)} == dict(counts)


def test_nothing_is_written_when_nothing_came(
    warehouse: Warehouse, rollups: Rollups, site: str
) -> None:
    store(warehouse, EventRow, event(site, 0))
    store(warehouse, OutcomeRow, outcome(site, 0))
    rollups.refresh()
    rollups.refresh()
    newest = "SELECT max(version) FROM merge(currentDatabase(), '^(minutes|page_hours)$')"
    written = warehouse.query(newest).rows
    rollups.refresh()
    assert warehouse.query(newest).rows == written


def test_page_hours_follow_the_funnel_where_it_speaks_else_the_forward_set(
    warehouse: Warehouse, rollups: Rollups, site: str
) -> None:
    store(warehouse, ForwardSetRow, row(ForwardSetRow, site=site, page="/cart", next="/checkout"))
    store(
        warehouse,
        OutcomeRow,
        outcome(site, 0, next=("/help", "/checkout")),
        outcome(site, 1, next=("/help",)),
        outcome(site, 2, next=("/checkout",), forward=False),
        outcome(site, 3, next=("/help",), forward=True),
        outcome(site, 4, next=("/checkout",), page="/unknown"),
    )
    rollups.refresh()
    assert page_hours(warehouse, site) == [
        ("/cart", NOON, "", 4, 2, 2),
        ("/unknown", NOON, "", 1, 0, 0),
    ]


def test_another_forward_set_decides_old_hours_anew(
    warehouse: Warehouse, rollups: Rollups, site: str
) -> None:
    store(warehouse, OutcomeRow, outcome(site, 0, next=("/checkout",)), outcome(site, 1))
    rollups.refresh()
    assert page_hours(warehouse, site) == [("/cart", NOON, "", 2, 0, 0)]
    store(warehouse, ForwardSetRow, row(ForwardSetRow, site=site, page="/cart", next="/checkout"))
    rollups.refresh()
    assert page_hours(warehouse, site) == [("/cart", NOON, "", 2, 1, 1)]


def test_an_hour_whose_last_outcome_was_taken_back_counts_zero(
    warehouse: Warehouse, rollups: Rollups, site: str
) -> None:
    store(warehouse, OutcomeRow, outcome(site, 0, forward=True))
    rollups.refresh()
    store(warehouse, OutcomeRow, outcome(site, 0, forward=True, version=2, deleted=1), offset=1)
    rollups.refresh()
    assert page_hours(warehouse, site) == [("/cart", NOON, "", 0, 0, 0)]
