"""Room on the warehouse's disk: below the reserve nothing is written; what is not whole never counts."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pipeline.alarms import Alarms
from pipeline.errors import HalfMerged, WarehouseUnavailable
from pipeline.warehouse.contract import Params, Warehouse
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.inventory import decode_inventory
from pipeline.warehouse.keeper import Keeper
from pipeline.warehouse.migrate import migrate
from pipeline.warehouse.parts import Part, parts_of
from pipeline.warehouse.reserved import ReservedWarehouse
from schemas.disk_space import Room

TABLE = "identities"


class Disk:
    """How much is free, and what a full disk does to files."""

    def __init__(self) -> None:
        self.free = 10_000
        self.spoils = 0
        self.undroppable = False

    def spoil(self, warehouse: Warehouse) -> None:
        """The newest part's files become empty, as those of an insert on a full disk."""
        if self.spoils:
            self.spoils -= 1
            newest = max(active(warehouse), key=lambda part: int(part.name.split("_")[1]))
            empty(newest)


class Spoilt:
    """An engine whose inserts answer whatever became of their files."""

    def __init__(self, inner: EmbeddedWarehouse, disk: Disk) -> None:
        self._inner, self._disk = inner, disk
        self.query, self.raw = inner.query, inner.raw
        self.prepare, self.close = inner.prepare, inner.close

    def execute(self, sql: str, params: Params | None = None) -> None:
        if self._disk.undroppable and "DETACH" in sql:
            raise WarehouseUnavailable("not enough space")
        self._inner.execute(sql, params)

    def insert(self, table: str, columns: Sequence[str], data: Sequence[Sequence[object]]) -> None:
        self._inner.insert(table, columns, data)
        self._disk.spoil(self._inner)


def empty(part: Part) -> None:
    for file in Path(part.path).iterdir():
        file.write_bytes(b"")


def active(warehouse: Warehouse) -> list[Part]:
    return [part for part in parts_of(warehouse) if part.table == TABLE and part.active]


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def opened(tmp_path: Path, disk: Disk) -> Iterator[Callable[[], ReservedWarehouse]]:
    """Opens the same directory again and again."""
    last: list[Warehouse] = []

    def open_again() -> ReservedWarehouse:
        for one in last:
            one.close()
        inner = EmbeddedWarehouse(tmp_path)
        made = ReservedWarehouse(Spoilt(inner, disk), Room(1_000), lambda: disk.free)
        last[:] = [made]
        migrate(made)
        return made

    yield open_again
    for one in last:
        one.close()


def insert(warehouse: Warehouse, *names: str) -> None:
    warehouse.insert(TABLE, ("site", "identifier"), (["s"] * len(names), list(names)))


def held(warehouse: Warehouse) -> list[str]:
    rows = warehouse.query(f"SELECT identifier FROM {TABLE} FINAL ORDER BY identifier").rows
    return [name for (name,) in rows]


def test_below_the_reserve_nothing_is_stored_and_all_can_be_read(
    opened: Callable[[], ReservedWarehouse], disk: Disk
) -> None:
    warehouse = opened()
    insert(warehouse, "a")
    disk.free = 999
    with pytest.raises(WarehouseUnavailable, match="kept free"):
        insert(warehouse, "b")
    with pytest.raises(WarehouseUnavailable, match="kept free"):
        warehouse.execute(f"OPTIMIZE TABLE {TABLE} FINAL")
    assert held(warehouse) == ["a"]
    disk.free = 1_250
    insert(warehouse, "b")
    assert held(warehouse) == ["a", "b"]


def test_an_insert_that_met_a_full_disk_does_not_count_and_can_be_done_again(
    opened: Callable[[], ReservedWarehouse], disk: Disk
) -> None:
    warehouse = opened()
    insert(warehouse, "a")
    disk.free, disk.spoils = 1_500, 2
    for _ in range(2):
        with pytest.raises(WarehouseUnavailable, match="the disk was full"):
            insert(warehouse, "b", "c")
    assert held(warehouse) == ["a"]
    insert(warehouse, "b", "c")
    assert held(warehouse) == ["a", "b", "c"]
    assert held(opened()) == ["a", "b", "c"]


def test_while_a_short_part_cannot_be_dropped_nobody_takes_its_rows_for_stored(
    opened: Callable[[], ReservedWarehouse], disk: Disk
) -> None:
    warehouse = opened()
    disk.spoils, disk.undroppable = 1, True
    with pytest.raises(WarehouseUnavailable, match="not enough space"):
        insert(warehouse, "a")
    with pytest.raises(WarehouseUnavailable, match="not enough space"):
        held(warehouse)
    disk.undroppable = False
    assert held(warehouse) == []
    insert(warehouse, "a")
    assert held(warehouse) == ["a"]


def test_a_merge_that_met_a_full_disk_ends_the_worker_and_a_new_start_has_all(
    opened: Callable[[], ReservedWarehouse],
) -> None:
    warehouse = opened()
    for name in "abc":
        insert(warehouse, name)
    keeper = Keeper(warehouse, Alarms())
    before = keeper.look()
    warehouse.execute(f"OPTIMIZE TABLE {TABLE} FINAL")
    (merged,) = active(warehouse)
    empty(merged)
    with pytest.raises(HalfMerged, match=f"{merged.name} of {TABLE}"):
        keeper.look()
    warehouse, alarms = opened(), Alarms()
    Keeper(warehouse, alarms, before).look()
    assert held(warehouse) == ["a", "b", "c"]
    assert alarms.active() == []


def test_a_part_that_is_gone_is_told_at_every_start(
    opened: Callable[[], ReservedWarehouse],
) -> None:
    warehouse, alarms = opened(), Alarms()
    insert(warehouse, "a", "b")
    keeper = Keeper(warehouse, alarms)
    text = keeper.look().encode()
    (part,) = active(warehouse)
    warehouse.execute(f"ALTER TABLE {TABLE} DROP PART '{part.name}'")
    for _ in range(2):
        warehouse, alarms = opened(), Alarms()
        text = Keeper(warehouse, alarms, decode_inventory(text)).look().encode()
        (alarm,) = alarms.active()
        assert alarm.text == f"part {part.name} of the table {TABLE}: it is gone, and had 2 rows"


def test_what_was_deleted_on_purpose_is_not_lost(
    opened: Callable[[], ReservedWarehouse],
) -> None:
    warehouse, alarms = opened(), Alarms()
    insert(warehouse, "a")
    keeper = Keeper(warehouse, alarms)
    keeper.look()
    warehouse.execute(
        f"ALTER TABLE {TABLE} DELETE WHERE identifier = 'a' SETTINGS mutations_sync = 1"
    )
    (left,) = active(warehouse)
    warehouse.execute(f"ALTER TABLE {TABLE} DROP PART '{left.name}'")  # as the engine does some day
    keeper.look()
    assert alarms.active() == []


def test_what_the_engine_put_aside_is_told(opened: Callable[[], ReservedWarehouse]) -> None:
    warehouse = opened()
    insert(warehouse, "a")
    (part,) = active(warehouse)
    empty(part)
    warehouse, alarms = opened(), Alarms()
    Keeper(warehouse, alarms).look()
    assert ["put it aside (broken-on-start)" in alarm.text for alarm in alarms.active()] == [True]


def test_a_bit_that_flipped_is_found_by_reading_all(
    opened: Callable[[], ReservedWarehouse],
) -> None:
    warehouse, alarms = opened(), Alarms()
    insert(warehouse, "a")
    keeper = Keeper(warehouse, alarms)
    (part,) = active(warehouse)
    data = Path(part.path) / "data.bin"
    body = bytearray(data.read_bytes())
    body[len(body) // 2] ^= 1
    data.write_bytes(body)
    for each in keeper.active():
        keeper.check(each)
    (alarm,) = alarms.active()
    assert f"part {part.name} of the table {TABLE}" in alarm.text


def test_merges_rest_while_the_disk_is_short_and_it_is_said(
    opened: Callable[[], ReservedWarehouse], disk: Disk
) -> None:
    warehouse, alarms = opened(), Alarms()
    insert(warehouse, "a")
    insert(warehouse, "b")
    keeper = Keeper(warehouse, alarms)
    keeper.watch_room()
    assert alarms.active() == []
    disk.free = 500
    keeper.watch_room()
    assert [alarm.part for alarm in alarms.active()] == ["disk"]
    assert stopped(warehouse)
    disk.free = 1_249
    keeper.watch_room()
    assert alarms.active()
    disk.free = 2_000
    keeper.watch_room()
    assert alarms.active() == []
    assert not stopped(warehouse)


def stopped(warehouse: ReservedWarehouse) -> bool:
    try:
        warehouse._inner.execute(
            f"OPTIMIZE TABLE {TABLE} FINAL SETTINGS optimize_throw_if_noop = 1"
        )
    except Exception as error:  # noqa: BLE001  # the engine's word, whatever its class
        return "ancelled merging" in str(error)
    return False
