"""An embedded warehouse that leaves room on its disk, as its engine takes failed writes for done.

The engine (chDB 26.9) does not hear of a write that meets a full disk: the insert answers, the merge
replaces its sources, and the new part's files are empty. So nothing is written below a reserve, and
what is written near it is looked at before it counts.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from pipeline.errors import WarehouseUnavailable
from pipeline.warehouse.contract import Params, Rows, Warehouse
from pipeline.warehouse.parts import Part, blocks_of, parts_of, short_parts
from schemas.room import Room

NEAR: Final = 2
"""An insert that ends with less free than so many reserves is looked at before it counts: on its way
a neighbour may have filled the disk and emptied it again."""


class HalfMerged(RuntimeError):
    """Ends the worker: its next start puts the part aside and takes what it was merged from again."""

    def __init__(self, part: Part) -> None:
        super().__init__(
            f"part {part.name} of {part.table} was merged on a full disk and is not whole; ending, "
            "so that the next start takes what it was merged from instead"
        )


class ReservedWarehouse:
    """See `Warehouse`. `free` answers the free bytes of its disk."""

    def __init__(self, inner: Warehouse, room: Room, free: Callable[[], int]) -> None:
        self._inner, self.room, self._free = inner, room, free
        self._looking = threading.Lock()
        self._lost: Counter[str] = Counter()

    def insert(self, table: str, columns: Sequence[str], data: Sequence[Sequence[object]]) -> None:
        """See `Warehouse.insert`. Raises WarehouseUnavailable where the disk has too little room."""
        self.check()
        lost = self._lost[table]
        self._inner.insert(table, columns, data)
        if self._free() < NEAR * self.room.reserve:
            self._look(table, lost)

    def query(self, sql: str, params: Params | None = None) -> Rows:
        """See `Warehouse.query`."""
        return self._inner.query(sql, params)

    def execute(self, sql: str, params: Params | None = None) -> None:
        """See `Warehouse.execute`. Raises WarehouseUnavailable where the disk has too little room."""
        self.check()
        self._inner.execute(sql, params)

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        """See `Warehouse.raw`."""
        return self._inner.raw(sql, fmt, params)

    def close(self) -> None:
        """See `Warehouse.close`."""
        self._inner.close()

    def check(self) -> None:
        """Raise WarehouseUnavailable where the disk has too little room."""
        if self.short():
            raise WarehouseUnavailable(f"the warehouse's disk has {self.room}: nothing is stored")

    def short(self) -> bool:
        """Whether the disk has too little room now."""
        return self.room.measured(self._free())

    def stop_merges(self) -> None:
        """Let no merge begin, and end those that run."""
        self._inner.execute("SYSTEM STOP MERGES")

    def start_merges(self) -> None:
        """Let merges go on."""
        self._inner.execute("SYSTEM START MERGES")

    def _look(self, table: str, lost: int) -> None:
        """Whoever inserted while one was lost tries again: it may have been theirs."""
        with self._looking:
            parts = [part for part in parts_of(self._inner) if part.table == table and part.active]
            for part in short_parts(self._inner, parts):
                self._lost[table] += 1
                self._drop(part)
        if self._lost[table] != lost:
            raise WarehouseUnavailable(f"the disk was full while rows of {table} were written")

    def _drop(self, part: Part) -> None:
        if not is_one_insert(part.name):
            raise HalfMerged(part)
        self._inner.execute(f"ALTER TABLE `{part.table}` DETACH PART '{part.name}'")
        self._inner.execute(f"ALTER TABLE `{part.table}` DROP DETACHED PART '{part.name}' "
                            "SETTINGS allow_drop_detached = 1")  # fmt: skip


def is_one_insert(name: str) -> bool:
    """Whether a part is what one insert wrote, and no merge's or mutation's result."""
    blocks = blocks_of(name)
    return blocks is not None and name.endswith(f"_{blocks.first}_{blocks.first}_0")
