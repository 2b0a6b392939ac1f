"""Looks after the warehouse's disk and its parts: what is lost or damaged there is told, never less.

An embedded warehouse has its inventory in work.db. A ClickHouse server looks after its own disk; of
it only what it has put aside and what `CHECK TABLE` finds is told.
"""

from time import monotonic
from typing import Final

import structlog

import sql
from pipeline.alarms import Alarm, Alarms
from pipeline.errors import HalfMerged, StateDamaged, WarehouseRefused
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.inventory import Inventory, check_schema, inventory_of, lost
from pipeline.warehouse.parts import Blocks, Part, blocks_of, holds, parts_of, short_parts
from pipeline.warehouse.reserved import ReservedWarehouse, is_one_insert

log = structlog.get_logger()

PART: Final = "warehouse"
REBUILD: Final = (
    "Stop the worker, then put the warehouse back from a copy or run `footfall rebuild`."
)
ROOM: Final = "Make room on the disk, or lower FOOTFALL_DISK_RESERVE; all goes on by itself."


def read_schema(warehouse: Warehouse) -> tuple[str, dict[str, str]]:
    """The warehouse's uuid, and a digest of each table, view and function."""
    rows = warehouse.query(sql.load("warehouse/schema")).rows
    return max((uuid for _, _, uuid in rows), default=""), {
        name: digest for name, digest, _ in rows
    }


class Keeper:
    """One thread calls its methods; all block."""

    def __init__(
        self, warehouse: Warehouse, alarms: Alarms, before: Inventory | None = None
    ) -> None:
        self._warehouse, self._alarms, self._before = warehouse, alarms, before
        self._reserved = warehouse if isinstance(warehouse, ReservedWarehouse) else None
        self._complete: set[tuple[str, str]] = set()
        self._doubtful: set[tuple[str, str]] = set()
        self._stopped = False
        self._reported: set[str] = set()
        self._uuid, self._schema = read_schema(warehouse) if self.embedded else ("", {})

    @property
    def embedded(self) -> bool:
        """Whether the warehouse's disk is this worker's to look after."""
        return self._reserved is not None

    def watch_room(self) -> None:
        """Stop merges while the disk is short of room, and say so; start them again afterwards."""
        if self._reserved is None:
            return
        short = self._reserved.short()
        if short:
            self._alarms.put(
                Alarm(
                    "disk",
                    f"the warehouse's disk has {self._reserved.room}: nothing "
                    "is stored or merged, events wait in the log",
                    ROOM,
                )
            )
        else:
            self._alarms.clear("disk")
        if short and not self._stopped:
            log.error("disk_short", room=str(self._reserved.room))
            self._reserved.stop_merges()
            self._stopped = True
        elif self._stopped and not short:
            log.info("disk_has_room", room=str(self._reserved.room))
            self._reserved.start_merges()
            self._stopped = False

    def look(self) -> Inventory:
        """Look at new parts and at what is lost; the inventory of what is whole.

        Raises HalfMerged where only a new start helps.
        """
        parts = parts_of(self._warehouse)
        active = [part for part in parts if part.active]
        self._complete &= {(part.table, part.name) for part in active}
        doubtful = [] if self._reserved is None else self._short(active)
        short = {(part.table, part.name) for part in doubtful}
        complete = [part for part in active if (part.table, part.name) not in short]
        self._complete |= {(part.table, part.name) for part in complete}
        inventory = inventory_of(self._uuid, self._schema, complete)
        before, self._reported = self._reported, set()
        self._report_lost(parts, inventory)
        self._report_detached(active)
        for key in before - self._reported:
            self._alarms.clear(PART, key)
        return inventory

    def _short(self, active: list[Part]) -> list[Part]:
        """An insert's short part may be in the hands of who inserted it: told when it stays."""
        fresh = [part for part in active if (part.table, part.name) not in self._complete]
        incomplete = short_parts(self._warehouse, fresh)
        for part in incomplete:
            if not is_one_insert(part.name):
                raise HalfMerged(part.name, part.table)
            if (part.table, part.name) in self._doubtful:
                self._report(part.table, part.name, "its files are not whole")
        self._doubtful = {(part.table, part.name) for part in incomplete}
        return incomplete

    def _report_lost(self, parts: list[Part], inventory: Inventory) -> None:
        """What is lost stays in the inventory, so that the next start tells it too."""
        if self._before is None or self._before.uuid != self._uuid:
            self._before = inventory
            return
        missing = lost(self._before, parts)
        deleted = dict(self._warehouse.query(sql.load("warehouse/mutated")).rows) if missing else {}
        for table, name, rows in missing:
            blocks = blocks_of(name)
            if blocks is not None and blocks.last < deleted.get(table, 0):
                continue  # a part that a deletion left without rows is removed
            inventory.parts.setdefault(table, {})[name] = rows
            self._report(table, name, f"it is gone, and had {rows:,} rows", "lost")
        self._before = inventory

    def _report_detached(self, active: list[Part]) -> None:
        for table, name, reason in self._warehouse.query(sql.load("warehouse/detached")).rows:
            active_blocks: list[Blocks] = [
                held_blocks
                for part in active
                if part.table == table and (held_blocks := blocks_of(part.name))
            ]
            blocks = blocks_of(name)
            if blocks is None or not holds(active_blocks, blocks):
                self._report(table, name, f"the engine has put it aside ({reason})", "aside")

    def report_strange_columns(self) -> None:
        """Look for parts whose columns are not their table's."""
        for table, part, column in self._warehouse.query(
            sql.load("warehouse/strange_columns")
        ).rows:
            self._report(table, part, f"its column {column} is not the table's")

    def active(self) -> list[Part]:
        """Every part that no merge has replaced."""
        return [part for part in parts_of(self._warehouse) if part.active]

    def check(self, part: Part) -> float:
        """Read a part and compare its checksums; how many seconds that took."""
        began = monotonic()
        self._check(part)
        return monotonic() - began

    def _check(self, part: Part) -> None:
        statement = (
            f"CHECK TABLE `{part.table}` PART '{part.name}' "
            "SETTINGS check_query_single_value_result = 0, max_threads = 1"
        )
        try:
            rows = self._warehouse.query(statement).rows
        except WarehouseRefused:
            return  # merged meanwhile: its successor's turn comes tomorrow
        except StateDamaged as error:
            rows = [(part.name, False, str(error))]
        for _, passed, message in rows:
            if not passed:
                self._report(part.table, part.name, message.split(" (version")[0])

    def _report(self, table: str, name: str, how: str, finding: str = "") -> None:
        """Raise an alarm of a part. One with a `finding` stands until a `look` makes it no more."""
        key = f"{finding} {table}/{name}"
        if finding:
            self._reported.add(key)
        self._alarms.put(Alarm(PART, f"part {name} of the table {table}: {how}", REBUILD), key)


def check_before(warehouse: Warehouse, before: Inventory | None, name: str) -> None:
    """Raise StateDamaged where tables that were there are gone or changed."""
    if before is not None:
        check_schema(before, read_schema(warehouse)[1], name)
