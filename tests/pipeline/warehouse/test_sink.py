"""Step 5 of the runner's protocol: rows land once, whatever was there already."""

from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.errors import WarehouseUnavailable
from pipeline.warehouse.contract import Params, Rows, Warehouse
from pipeline.warehouse.sink import Sink
from schemas.rows import AssertionRow, EventRow, Row, SessionRow, SourcedRow
from tests.pipeline.warehouse.rows import NOON, row

PARTITION = ("footfall-events", 3)


def events(site: str, offset: int, count: int) -> list[SourcedRow]:
    return [
        (row(EventRow, site=site, message_id=f"{offset}.{n}", device="d"), offset, n)
        for n in range(count)
    ]


def stored(warehouse: Warehouse, site: str) -> list[tuple[Any, ...]]:
    """Not FINAL: physical rows, so that a repeat shows."""
    sql = "SELECT log_id, topic, partition, offset, `index` FROM events WHERE site = {site:String}"
    return sorted(warehouse.query(sql, {"site": site}).rows)


def test_rows_carry_their_source(warehouse: Warehouse, site: str) -> None:
    Sink(warehouse, site).write(*PARTITION, {EventRow: events(site, 7, 2)})
    assert stored(warehouse, site) == [(site, *PARTITION, 7, 0), (site, *PARTITION, 7, 1)]


def test_what_is_there_is_read_back_per_table(warehouse: Warehouse, site: str) -> None:
    sink = Sink(warehouse, site)
    fact = (row(AssertionRow, site=site, device="d", time=NOON), 5, 2)
    sink.write(
        *PARTITION, {EventRow: events(site, 4, 1) + events(site, 5, 2), AssertionRow: [fact]}
    )
    assert sink.read_back(*PARTITION, applied=4) == {
        EventRow: frozenset({(5, 0), (5, 1)}),
        AssertionRow: frozenset({(5, 2)}),
    }


@pytest.mark.parametrize("key", [("footfall-events", 2), ("footfall-pages", 3)])
def test_another_partition_topic_or_log_has_nothing(
    warehouse: Warehouse, site: str, key: tuple[str, int]
) -> None:
    Sink(warehouse, site).write(*PARTITION, {EventRow: events(site, 5, 1)})
    assert Sink(warehouse, site).read_back(*key, applied=-1) == {}
    assert Sink(warehouse, f"other {site}").read_back(*PARTITION, applied=-1) == {}


def test_only_what_is_missing_is_inserted(warehouse: Warehouse, site: str) -> None:
    sink = Sink(warehouse, site)
    sink.write(*PARTITION, {EventRow: events(site, 5, 2)})
    batch: dict[type[Row], list[SourcedRow]] = {EventRow: events(site, 5, 3) + events(site, 6, 1)}
    sink.write(*PARTITION, batch, sink.read_back(*PARTITION, applied=4))
    assert [key[3:] for key in stored(warehouse, site)] == [(5, 0), (5, 1), (5, 2), (6, 0)]


def test_a_zombies_rows_are_counted_once(warehouse: Warehouse, site: str) -> None:
    for _ in ("worker", "zombie"):
        Sink(warehouse, site).write(*PARTITION, {EventRow: events(site, 5, 3)})
    sql = "SELECT count() FROM events FINAL WHERE site = {site:String}"
    assert warehouse.query(sql, {"site": site}).rows == [(3,)]


def test_a_tombstone_takes_a_session_back(warehouse: Warehouse, site: str) -> None:
    sink = Sink(warehouse, site)
    for offset, deleted in ((1, 0), (2, 1)):
        session = row(SessionRow, site=site, device="d", version=offset << 20, deleted=deleted)
        sink.write(*PARTITION, {SessionRow: [(session, offset, 0)]})
    sql = "SELECT count() FROM sessions FINAL WHERE site = {site:String}"
    assert warehouse.query(sql, {"site": site}).rows == [(0,)]


class HalfAway:
    """A warehouse that takes rows for one table and fails for all others."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def insert(self, table: str, columns: Sequence[str], data: Sequence[Sequence[Any]]) -> None:
        if table != EventRow.table:
            raise WarehouseUnavailable("away")
        self.taken.append(table)

    def query(self, sql: str, params: Params | None = None) -> Rows:
        return Rows((), (), [])

    def execute(self, sql: str, params: Params | None = None) -> None: ...

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        return b""

    def prepare(self) -> None: ...
    def close(self) -> None: ...


def test_an_error_is_raised_once_every_table_was_tried() -> None:
    warehouse = HalfAway()
    fact = (row(AssertionRow, time=NOON), 5, 2)
    with pytest.raises(WarehouseUnavailable):
        Sink(warehouse, "log").write(
            *PARTITION, {AssertionRow: [fact], EventRow: events("s", 5, 1)}
        )
    assert warehouse.taken == ["events"]


def test_a_batch_without_rows_needs_no_warehouse() -> None:
    warehouse = HalfAway()
    Sink(warehouse, "log").write(*PARTITION, {AssertionRow: []})
    assert warehouse.taken == []


def test_events_of_a_century_are_written_at_once(warehouse: Warehouse, site: str) -> None:
    months = [
        (row(EventRow, site=site, message_id=str(n), device="d", time=n * 31 * 86_400_000), 8, n)
        for n in range(1_000)
    ]
    Sink(warehouse, site).write(*PARTITION, {EventRow: months})
    sql = "SELECT uniqExact(_part) FROM events WHERE site = {site:String}"
    assert warehouse.query(sql, {"site": site}).rows == [(1,)]
