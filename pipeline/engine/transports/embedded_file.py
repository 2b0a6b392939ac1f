"""One file of the embedded log: opened, checked, and read record by record against its checksums.

What a disk did to a file is told apart from what passes: LogUnavailable is tried again, LogDamaged
ends the worker. A damaged record of the inbox is neither: its lines come marked
(`schemas.logfile.DAMAGED`), and the stages make rejects of them.
"""

import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import sql
from pipeline.engine.stage import Record
from pipeline.errors import BadSetting, FolderUnusable, LogDamaged, LogUnavailable
from schemas.folder_format import refusal
from schemas.logfile import (
    DAMAGED,
    FORMAT,
    INBOX,
    OFFSET_BITS,
    WORK,
    EndOffsets,
    PartitionRow,
    checksum,
    damaged_lines,
    hopeless,
    is_away,
    schema_fault,
    shortened_partition,
)

_SELECT_PARTITION: Final = (
    "SELECT number, topic, partition, first_offset, next_offset, events, checksum FROM partitions"
)
_SCRIPTS: Final = {INBOX: ("embedded/log",), WORK: ("embedded/log", "embedded/work")}
_ADVICE: Final = {
    INBOX: "Stop Footfall, look after the disk, and put the whole folder back from a copy; without "
    "one, move the folder away and begin anew.",
    WORK: "Stop Footfall, look after the disk, then run `footfall rebuild`; or put the whole folder "
    "back from a copy.",
}


def damage_error(path: Path, how: str) -> LogDamaged:
    """One of the log's files is not as it was written."""
    return LogDamaged(f"{path} is damaged: {how}. {_ADVICE.get(path.name, '')}")


def failure(
    path: Path, error: sqlite3.Error, action: str
) -> LogUnavailable | LogDamaged | FolderUnusable:
    """What an error of SQLite's means; `action` could not be done, such as "read"."""
    name = getattr(error, "sqlite_errorname", "")
    if text := hopeless(path, name, str(error)):
        return FolderUnusable(text)
    if is_away(name):
        return LogUnavailable(f"The log file {path} cannot be {action}: {error}.")
    return damage_error(path, str(error))


@contextmanager
def using(path: Path, action: str) -> Iterator[None]:
    """Raises `failure` for what SQLite raises."""
    try:
        yield
    except sqlite3.Error as error:
        raise failure(path, error, action) from error


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open one of the log's files. Raises LogUnavailable where it cannot be opened."""
    with using(path, "opened"):
        mode = "rwc" if write else "ro"
        connection = sqlite3.connect(
            f"file:{path}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA busy_timeout = 10000")
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        return connection


def open_ends(path: Path) -> EndOffsets:
    """The file beside `path` that says how far it went."""
    end = path.with_suffix(".end")
    end.touch()
    return EndOffsets(end.open("r+b", buffering=0))


def check(path: Path, connection: sqlite3.Connection) -> dict[str, str]:
    """The file's facts, once everything that is small is as it was written.

    Raises LogUnavailable where there is nothing yet, BadSetting for another format, LogDamaged.
    """
    with using(path, "read"), closing(open_ends(path)) as ends:
        recorded_ends = ends.recorded()
        tables = _tables(connection)
        partitions = (
            _partition_rows(path, connection) if tables and not _fault(path, tables) else []
        )
        if not tables and any(recorded_ends.values()):
            raise damage_error(path, "it is empty, and was not")
        if not tables:
            raise LogUnavailable(f"{path} is not ready: it has no tables yet.")
        _check_tables(path, tables)
        facts = facts_of(path, connection)
        if shorter := shortened_partition(recorded_ends, partitions):
            raise damage_error(path, f"{shorter} (says {path.with_suffix('.end').name})")
        return facts


def check_folder(directory: Path) -> None:
    """Check the log's files as far as they are there, as a check-up. Raises what opening them raises."""
    if text := refusal(directory):
        raise FolderUnusable(text)
    for path in (directory / INBOX, directory / WORK):
        if path.exists():
            with closing(connect(path, write=False)) as connection:
                check(path, connection)


def _fault(path: Path, tables: list[tuple[str, str]]) -> str:
    with closing(sqlite3.connect(":memory:")) as reference:
        for script in _SCRIPTS[path.name]:
            reference.executescript(sql.load(script))
        return schema_fault(tables, _tables(reference))


def _check_tables(path: Path, tables: list[tuple[str, str]]) -> None:
    if fault := _fault(path, tables):
        if fault != "older":
            raise damage_error(path, fault)
        raise BadSetting(
            f"{path} is of an older version, whose records have no checksums. Finish it with that "
            "version, then begin a new log and a new warehouse in another directory."
        )


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, sql FROM sqlite_master").fetchall()


def facts_of(path: Path, connection: sqlite3.Connection) -> dict[str, str]:
    """The log's facts by name. Raises LogDamaged."""
    rows = connection.execute("SELECT key, value, checksum FROM log").fetchall()
    for key, value, stored_checksum in rows:
        if checksum((key, value)) != stored_checksum:
            raise damage_error(path, f"the fact {key!r} has another checksum")
    facts = {key: value for key, value, _ in rows}
    if facts.get("format") != FORMAT or "log_id" not in facts:
        raise damage_error(path, "facts are missing")
    return facts


def write_fact(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Write a fact of the log, instead of what it was."""
    row = (key, value, checksum((key, value)))
    connection.execute("INSERT OR REPLACE INTO log VALUES (?, ?, ?)", row)


def _partition_rows(path: Path, connection: sqlite3.Connection) -> list[PartitionRow]:
    return [_partition_row(path, row) for row in connection.execute(_SELECT_PARTITION)]


def _partition_row(path: Path, row: Sequence[Any]) -> PartitionRow:
    *fields, stored_checksum = row
    partition = PartitionRow(*fields)
    if checksum(partition) != stored_checksum:
        raise damage_error(path, f"the row of partition {row[0]} has another checksum")
    return partition


class Partitions:
    """A file's partitions, by topic and number. Raises LogDamaged where one is missing."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self.connection = path, connection
        with using(path, "read"):
            partitions = _partition_rows(path, connection)
        self._numbers = {(row.topic, row.partition): row.number for row in partitions}

    def each(self) -> Iterator[tuple[str, int]]:
        """Topics and partitions."""
        return iter(self._numbers)

    def read(self, topic: str, partition: int) -> PartitionRow:
        """The partition's row as it is now. Raises LogDamaged."""
        number = self._numbers.get((topic, partition))
        row = self.connection.execute(f"{_SELECT_PARTITION} WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise damage_error(self.path, f"the row of {topic}/{partition} is gone")
        return _partition_row(self.path, row)

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
