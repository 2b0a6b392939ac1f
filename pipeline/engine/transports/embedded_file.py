"""One file of the embedded log: opened, checked as a whole, and its facts.

What a disk did to a file is told apart from what passes: LogUnavailable is tried again, LogDamaged
ends the worker.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import sql
from pipeline.errors import BadSetting, FolderUnusable, LogDamaged, LogUnavailable
from schemas.folder_format import refusal
from schemas.logfile import (
    FORMAT,
    INBOX,
    WORK,
    EndOffsets,
    PartitionRow,
    checksum,
    is_storage_error,
    permanent_fault,
    schema_fault,
    shortened_partition,
)

SELECT_PARTITION: Final = (
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
    if text := permanent_fault(path, name, str(error)):
        return FolderUnusable(text)
    if is_storage_error(name):
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
        partitions = partition_rows(path, connection) if tables and not _fault(path, tables) else []
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


def partition_rows(path: Path, connection: sqlite3.Connection) -> list[PartitionRow]:
    """All rows of `partitions`. Raises LogDamaged."""
    return [partition_row(path, row) for row in connection.execute(SELECT_PARTITION)]


def partition_row(path: Path, row: Sequence[Any]) -> PartitionRow:
    """A row that SELECT_PARTITION read. Raises LogDamaged where its checksum is another."""
    *fields, stored_checksum = row
    partition = PartitionRow(*fields)
    if checksum(partition) != stored_checksum:
        raise damage_error(path, f"the row of partition {row[0]} has another checksum")
    return partition
