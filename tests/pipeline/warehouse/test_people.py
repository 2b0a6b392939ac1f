"""Views that say whose a row is (sql/migrations/0003_people.sql)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.warehouse.contract import Warehouse
from schemas.identifiers import person_id
from schemas.rows import (
    AssertionRow,
    EventRow,
    FeedbackRow,
    IdentityRow,
    PurchaseRow,
    Row,
    SessionRow,
    TicketRow,
    columns_of,
)
from tests.pipeline.warehouse.rows import NOON, row, store

ZOE, MAX = "user_id:zoé", "email:max@example.com"


def assertion(site: str, time: int, identifier: str, message_id: str = "a") -> Row:
    return row(
        AssertionRow, site=site, device="d", time=time, message_id=message_id, identifier=identifier
    )


def event(site: str, time: int, **values: Any) -> Row:
    return row(
        EventRow, **{"site": site, "device": "d", "message_id": str(time), **values}, time=time
    )


def owners(warehouse: Warehouse, site: str) -> list[Any]:
    sql = "SELECT owner FROM events_resolved WHERE site = {site:String} ORDER BY time"
    return [owner for (owner,) in warehouse.query(sql, {"site": site}).rows]


def people(warehouse: Warehouse, site: str) -> list[Any]:
    sql = "SELECT person_id FROM events_resolved WHERE site = {site:String} ORDER BY time"
    return [person for (person,) in warehouse.query(sql, {"site": site}).rows]


def test_a_device_belongs_to_its_first_assertion_from_the_beginning(
    warehouse: Warehouse, site: str
) -> None:
    store(warehouse, EventRow, event(site, NOON - 1), event(site, NOON), event(site, NOON + 1))
    store(warehouse, AssertionRow, assertion(site, NOON, ZOE))
    assert owners(warehouse, site) == [ZOE, ZOE, ZOE]


def test_then_to_the_last_asserted_one(warehouse: Warehouse, site: str) -> None:
    store(warehouse, EventRow, event(site, NOON), event(site, NOON + 10), event(site, NOON + 11))
    store(warehouse, AssertionRow, assertion(site, NOON, ZOE), assertion(site, NOON + 10, MAX))
    assert owners(warehouse, site) == [ZOE, MAX, MAX]


def test_after_a_reset_to_nobody_until_somebody_is_asserted(
    warehouse: Warehouse, site: str
) -> None:
    store(warehouse, EventRow, *(event(site, NOON + n) for n in (0, 5, 9)))
    store(
        warehouse,
        AssertionRow,
        assertion(site, NOON, ZOE),
        assertion(site, NOON + 3, ""),
        assertion(site, NOON + 8, MAX),
    )
    assert owners(warehouse, site) == [ZOE, "", MAX]


def test_a_reset_before_the_first_assertion_ends_nothing(warehouse: Warehouse, site: str) -> None:
    store(warehouse, EventRow, event(site, NOON), event(site, NOON + 5))
    store(warehouse, AssertionRow, assertion(site, NOON + 2, ""), assertion(site, NOON + 9, ZOE))
    assert owners(warehouse, site) == [ZOE, ZOE]


def test_of_assertions_at_one_time_the_last_by_message_id_holds(
    warehouse: Warehouse, site: str
) -> None:
    store(warehouse, EventRow, event(site, NOON))
    facts = [assertion(site, NOON, MAX, "b"), assertion(site, NOON, ZOE, "a")]
    store(warehouse, AssertionRow, *facts)
    assert owners(warehouse, site) == [MAX]


def test_what_an_event_says_itself_goes_before_what_its_device_says(
    warehouse: Warehouse, site: str
) -> None:
    store(warehouse, EventRow, event(site, NOON, identifier=MAX))
    store(warehouse, AssertionRow, assertion(site, NOON, ZOE))
    assert owners(warehouse, site) == [MAX]


def test_owners_become_people_by_the_newest_identities(warehouse: Warehouse, site: str) -> None:
    store(warehouse, EventRow, event(site, NOON))
    store(warehouse, AssertionRow, assertion(site, NOON, ZOE))
    for version, person in ((1, "old"), (2, "new")):
        values = {"site": site, "identifier": ZOE, "person_id": person, "version": version}
        store(warehouse, IdentityRow, row(IdentityRow, **values), offset=version)
    assert people(warehouse, site) == ["new"]


def test_unlinked_owners_and_lone_devices_are_people_of_their_own(
    warehouse: Warehouse, site: str
) -> None:
    store(warehouse, EventRow, event(site, NOON, identifier=ZOE), event(site, NOON + 1))
    assert people(warehouse, site) == [person_id(site, ZOE), person_id(site, "device:d")]


def test_a_row_that_is_there_twice_is_resolved_once(warehouse: Warehouse, site: str) -> None:
    for offset in (0, 1):
        store(warehouse, EventRow, event(site, NOON), offset=offset)
        store(warehouse, AssertionRow, assertion(site, NOON, ZOE), offset=offset)
    assert owners(warehouse, site) == [ZOE]


@pytest.mark.parametrize(
    "table", [PurchaseRow, TicketRow, FeedbackRow], ids=lambda table: table.table
)
def test_other_facts_are_resolved_alike(warehouse: Warehouse, site: str, table: Any) -> None:
    lists = ("product_ids", "names", "categories", "quantities", "prices")
    empty: dict[str, Any] = {name: [] for name in lists if name in columns_of(table)}
    empty |= {name: 0 for name in ("total",) if name in columns_of(table)}
    empty |= {name: None for name in ("rating", "score") if name in columns_of(table)}
    store(warehouse, table, row(table, site=site, device="d", time=NOON, message_id="m", **empty))
    store(warehouse, AssertionRow, assertion(site, NOON, ZOE))
    sql = f"SELECT owner, person_id FROM {table.table}_resolved WHERE site = {{site:String}}"
    assert warehouse.query(sql, {"site": site}).rows == [(ZOE, person_id(site, ZOE))]


def test_a_session_belongs_to_whoever_was_there_when_it_ended(
    warehouse: Warehouse, site: str
) -> None:
    session = row(SessionRow, site=site, device="d", start=NOON, end=NOON + 10)
    store(warehouse, SessionRow, session)
    store(warehouse, AssertionRow, assertion(site, NOON - 9, ZOE), assertion(site, NOON + 5, MAX))
    sql = "SELECT owner FROM sessions_resolved WHERE site = {site:String}"
    assert warehouse.query(sql, {"site": site}).rows == [(MAX,)]


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=20))
def test_person_ids_in_sql_are_those_of_python(
    warehouse: Warehouse, texts: list[tuple[str, str]]
) -> None:
    sites, canonicals = zip(*texts, strict=True)
    rows = warehouse.query(
        "SELECT footfall_person_id(pair.1, pair.2) FROM (SELECT arrayJoin(arrayZip("
        "{sites:Array(String)}, {canonicals:Array(String)})) AS pair)",
        {"sites": sites, "canonicals": canonicals},
    ).rows
    assert [person for (person,) in rows] == [person_id(*pair) for pair in texts]
