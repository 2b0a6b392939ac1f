"""An embedded warehouse that leaves room on its disk, as its engine takes failed writes for done.

The engine (chDB 26.9) does not hear of a write that meets a full disk: the insert answers, the merge
replaces its sources, and the new part's files are empty. So nothing is written below a reserve, and
what may have met a full disk all the same is looked at before it counts.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

from pipeline.errors import FootfallError, HalfMerged, WarehouseUnavailable
from pipeline.warehouse.contract import Params, Rows, Warehouse
from pipeline.warehouse.parts import Part, blocks_of, fresh_parts, short_parts
from schemas.disk_space import Room

FASTEST_BYTES_PER_S: Final = 4e9
"""Bytes a second that no disk takes more of: an insert that is done before a neighbour can have filled
the reserve has met no full disk. Any other is looked at, for some 4 ms."""


class ReservedWarehouse:
    """See `Warehouse`. `free` answers the free bytes of its disk."""

    def __init__(self, inner: Warehouse, room: Room, free: Callable[[], int]) -> None:
        self._inner, self.room, self._free = inner, room, free
        self._looking = threading.Lock()
        self._lost: Counter[str] = Counter()
        self._short: dict[tuple[str, str], Part] = {}

    def insert(self, table: str, columns: Sequence[str], data: Sequence[Sequence[object]]) -> None:
        """See `Warehouse.insert`. Raises WarehouseUnavailable where the disk has too little room."""
        began, lost = monotonic(), self._lost[table]
        self.check()
        try:
            self._inner.insert(table, columns, data)
        except WarehouseUnavailable:
            self._look(table, lost)
            raise
        if monotonic() - began > self.room.reserve / FASTEST_BYTES_PER_S:
            self._look(table, lost)

    def query(self, sql: str, params: Params | None = None) -> Rows:
        """See `Warehouse.query`. Raises WarehouseUnavailable while a short part waits to be dropped:
        some of its columns may be there, and who looks back would take its rows for stored."""
        if self._short:
            with self._looking:
                self._drop_short()
        return self._inner.query(sql, params)

    def execute(self, sql: str, params: Params | None = None) -> None:
        """See `Warehouse.execute`. Raises WarehouseUnavailable where the disk has too little room."""
        self.check()
        self._inner.execute(sql, params)

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        """See `Warehouse.raw`."""
        return self._inner.raw(sql, fmt, params)

    def prepare(self) -> None:
        """See `Warehouse.prepare`."""
        self._inner.prepare()

    def close(self) -> None:
        """See `Warehouse.close`."""
        self._inner.close()

    def check(self) -> None:
        """Raise WarehouseUnavailable where the disk has too little room."""
        if self.short():
            raise WarehouseUnavailable(f"the warehouse's disk has {self.room}: nothing is stored")

    def short(self) -> bool:
        """Whether the disk has too little room now."""
        return self.room.update(self._free())

    def stop_merges(self) -> None:
        """Let no merge begin, and end those that run."""
        self._inner.execute("SYSTEM STOP MERGES")

    def start_merges(self) -> None:
        """Let merges go on."""
        self._inner.execute("SYSTEM START MERGES")

    def _look(self, table: str, lost: int) -> None:
        """Whoever inserted while one was lost tries again: it may have been theirs."""
        with self._looking:
            for part in short_parts(self._inner, fresh_parts(self._inner, table)):
                if (table, part.name) not in self._short:
                    self._lost[table] += 1
                    self._short[table, part.name] = part
            self._drop_short()
        if self._lost[table] != lost:
            raise WarehouseUnavailable(f"the disk was full while rows of {table} were written")

    def _drop_short(self) -> None:
        """Needs room too: what cannot be dropped now is tried again."""
        for key, part in list(self._short.items()):
            if not is_one_insert(part.name):
                raise HalfMerged(part.name, part.table)
            self._inner.execute(f"ALTER TABLE `{part.table}` DETACH PART '{part.name}'")
            del self._short[key]
            with suppress(FootfallError):  # it only takes room there
                self._inner.execute(
                    f"ALTER TABLE `{part.table}` DROP DETACHED PART '{part.name}' "
                    "SETTINGS allow_drop_detached = 1"
                )


def is_one_insert(name: str) -> bool:
    """Whether a part is what one insert wrote, and no merge's or mutation's result."""
    blocks = blocks_of(name)
    return blocks is not None and name.endswith(f"_{blocks.first}_{blocks.first}_0")
