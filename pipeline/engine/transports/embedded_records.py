"""Partitions and records of one file of the embedded log, each held against its checksum.

A damaged record of the inbox is neither tried again nor does it end the worker: its lines come marked
(`schemas.logfile.DAMAGED`), and the stages make rejects of them.
"""

import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline.engine.stage import Record
from pipeline.engine.transports.embedded_file import (
    SELECT_PARTITION,
    damage_error,
    partition_row,
    partition_rows,
    using,
)
from schemas.logfile import DAMAGED, INBOX, OFFSET_BITS, PartitionRow, checksum, damaged_lines


class Partitions:
    """A file's partitions, by topic and number. Raises LogDamaged where one is missing."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self.connection = path, connection
        with using(path, "read"):
            partitions = partition_rows(path, connection)
        self._numbers = {(row.topic, row.partition): row.number for row in partitions}

    def each(self) -> Iterator[tuple[str, int]]:
        """Topics and partitions."""
        return iter(self._numbers)

    def read(self, topic: str, partition: int) -> PartitionRow:
        """The partition's row as it is now. Raises LogDamaged."""
        number = self._numbers.get((topic, partition))
        row = self.connection.execute(f"{SELECT_PARTITION} WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise damage_error(self.path, f"the row of {topic}/{partition} is gone")
        return partition_row(self.path, row)

    def write(self, row: PartitionRow) -> None:
        """Within a transaction: the partition's row becomes `row`."""
        self.connection.execute(
            "UPDATE partitions SET first_offset = ?, next_offset = ?, events = ?, checksum = ? "
            "WHERE number = ?",
            (row.first_offset, row.next_offset, row.events, checksum(row), row.number),
        )

    def make(self, topic: str, partitions: int) -> None:
        """Within a transaction: a topic's rows, where they are missing."""
        for partition in range(partitions):
            if (topic, partition) not in self._numbers:
                row = PartitionRow(len(self._numbers), topic, partition)
                self._numbers[topic, partition] = row.number
                self.connection.execute(
                    "INSERT INTO partitions VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, checksum(row))
                )


class Reader:
    """Records of one file, checked. `on_damage` hears of each that had to be replaced."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        on_damage: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._path, self._connection, self._on_damage = path, connection, on_damage
        self._partitions = Partitions(path, connection)

    def records(self, topic: str, partition: int, start: int) -> Generator[Record, None, None]:
        """Records of one partition from offset `start`, in order. Read as far as it is iterated.

        Raises LogUnavailable, and LogDamaged where no record could stand in for what is gone.
        """
        with using(self._path, "read"):
            row = self._partitions.read(topic, partition)
            if start < row.first_offset:
                raise damage_error(
                    self._path,
                    f"offset {start} of {topic}/{partition} is wanted, but it begins at "
                    f"{row.first_offset}",
                )
            rows = self._connection.execute(
                "SELECT id, events, appended_at, checksum, value FROM records "
                "WHERE id >= ? AND id < ? ORDER BY id",
                (row.record_id(start), row.record_id(1 << OFFSET_BITS)),
            )
            with closing(rows):  # an open cursor would hold the file's old pages
                yield from self._verified_records(row, start, rows)

    def _verified_records(
        self, row: PartitionRow, next_offset: int, rows: Iterator[Sequence[Any]]
    ) -> Iterator[Record]:
        for number, events, appended_at, stored_checksum, value in rows:
            offset = number - row.record_id(0)
            if next_offset < offset and offset >= self._partitions.read(*row[1:3]).next_offset:
                raise damage_error(self._path, f"a record lies behind {row.topic}/{row.partition}")
            while next_offset < offset:
                yield self._missing_record(row, next_offset)
                next_offset += 1
            next_offset = offset + 1
            if checksum((number, events, appended_at), value) == stored_checksum:
                yield Record(offset, events, value)
            else:
                text = f"record {offset} of {row.topic}/{row.partition} is not what was written"
                yield self._replacement(text, Record(offset, *damaged_lines(value)))
        while next_offset < row.next_offset:
            yield self._missing_record(row, next_offset)
            next_offset += 1

    def _missing_record(self, row: PartitionRow, offset: int) -> Record:
        """How many events it had, nobody knows: it counts as one."""
        text = f"record {offset} of {row.topic}/{row.partition} is gone"
        return self._replacement(text, Record(offset, 1, DAMAGED + text.encode()))

    def _replacement(self, text: str, record: Record) -> Record:
        if self._path.name != INBOX:
            raise damage_error(self._path, text)  # what the worker wrote, it can write again
        self._on_damage(f"{self._path.name}: {text}")
        return record
