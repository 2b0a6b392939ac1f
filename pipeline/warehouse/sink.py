"""Step 5 of the runner's protocol: rows with their source into the warehouse, once.

One runner writes one (topic, partition); batches of it come one after the other.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec.structs import astuple

import sql
from pipeline.warehouse.contract import Warehouse
from schemas.rows import BY_NAME, SOURCE, ExistingRows, Row, SourcedRow, columns_of

NO_ROWS: ExistingRows = {}


class Sink:
    """Writes the rows of batches. Methods block: call them from a thread.

    Tables of one batch are inserted side by side: most of an insert is waiting for the disk.
    """

    def __init__(self, warehouse: Warehouse, log_id: str) -> None:
        self._warehouse, self._log_id = warehouse, log_id
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="sink")

    def read_back(self, topic: str, partition: int, applied: int) -> ExistingRows:
        """What the warehouse holds of a partition's rows above `applied`.

        Call it before the first write after an assignment, and again after a write that raised:
        some of its tables may have been inserted.
        """
        params = {
            "log_id": self._log_id,
            "topic": topic,
            "partition": partition,
            "applied": applied,
        }
        existing: dict[type[Row], set[tuple[int, int]]] = {}
        for name, offset, index in self._warehouse.query(_READ_BACK, params).rows:
            existing.setdefault(BY_NAME[name], set()).add((offset, index))
        return {table: frozenset(positions) for table, positions in existing.items()}

    def count_entries(self, topic: str, partition: int, applied: int) -> int:
        """How many entries of the books a partition's records up to `applied` have."""
        params = {
            "log_id": self._log_id,
            "topic": topic,
            "partition": partition,
            "applied": applied,
        }
        ((entries,),) = self._warehouse.query(sql.load("warehouse/counted"), params).rows
        return int(entries)

    def write(
        self,
        topic: str,
        partition: int,
        rows: Mapping[type[Row], Sequence[SourcedRow]],
        existing: ExistingRows = NO_ROWS,
    ) -> None:
        """Insert a batch's rows but those in `existing`. Durable on return.

        Raises WarehouseUnavailable or WarehouseRefused once every table's insert has ended.
        """
        missing = ((table, _without(rows[table], existing.get(table))) for table in rows)
        work = [
            self._threads.submit(self._insert, topic, partition, table, absent)
            for table, absent in missing
            if absent
        ]
        errors = [error for error in (future.exception() for future in work) if error]
        if errors:
            raise errors[0]

    def close(self) -> None:
        """End the threads; the warehouse stays open."""
        self._threads.shutdown()

    def _insert(
        self, topic: str, partition: int, table: type[Row], sourced_rows: Sequence[SourcedRow]
    ) -> None:
        rows, offsets, indexes = zip(*sourced_rows, strict=True)
        count = len(rows)
        source: list[Sequence[Any]] = [
            [self._log_id] * count,
            [topic] * count,
            [partition] * count,
            offsets,
            indexes,
        ]
        columns = [*zip(*map(astuple, rows), strict=True), *source]
        self._warehouse.insert(table.table, (*columns_of(table), *SOURCE), columns)


_READ_BACK = "\nUNION ALL\n".join(
    sql.load("warehouse/read_back").replace("TABLE", name) for name in BY_NAME
)  # the names are ours: schemas/rows.py


def _without(
    rows: Sequence[SourcedRow], existing: frozenset[tuple[int, int]] | None
) -> Sequence[SourcedRow]:
    return [row for row in rows if row[1:] not in existing] if existing else rows
