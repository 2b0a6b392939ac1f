"""The embedded log's inbox: `inbox.db`, in the format of `sql/embedded/log.sql`.

Several processes may append to it at once (an import beside a collector); SQLite orders them.
"""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any, Final
from uuid import uuid4

import sql
from collectors.errors import LogDamaged, LogMismatch, LogUnusable, Overloaded
from collectors.producers.base import GroupCommit
from schemas import folder_format, topics
from schemas.disk_space import Room
from schemas.log_records import Append
from schemas.logfile import (
    FORMAT,
    INBOX,
    EndOffsets,
    PartitionRow,
    checksum,
    is_storage_error,
    is_temporary,
    permanent_fault,
    schema_fault,
    shortened_partition,
)

BUSY_MS: Final = 10_000
JOURNAL_LIMIT: Final = 64 * 1024 * 1024
_PLACE: Final = "SELECT number, topic, partition, first_offset, next_offset, events, checksum "
_log = logging.getLogger(__name__)
LOOK_SECONDS: Final = 1.0
"""Between looks at what the disk has free; every tick is a write, so there is one when all is quiet."""
_TOPICS: Final = tuple(topic.name for topic in topics.ALL if topic.writer == "collector")


async def open_embedded(
    directory: Path, partitions: int, clock: Callable[[], int], reserve: int = 0, **options: Any
) -> GroupCommit:
    """A Producer on `directory`/inbox.db, which is made where missing.

    `clock` gives ms for `appended_at`; `reserve`: see EmbeddedWriter; `options` are GroupCommit's.
    Raises LogMismatch where the inbox has another partition count, LogUnusable where it can never be
    opened as it is, LogDamaged where it is not what was written, Overloaded where it cannot be opened
    now.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="inbox-writer")
    loop = asyncio.get_running_loop()
    try:
        writer = await loop.run_in_executor(
            executor, EmbeddedWriter, directory, partitions, clock, reserve
        )
    except BaseException:
        executor.shutdown(wait=False)
        raise
    return GroupCommit(writer, partitions, executor=executor, **options)


class EmbeddedWriter:
    """A Writer on SQLite; each write is one transaction, fsynced.

    It takes nothing while the disk has less than `reserve` bytes free: the worker needs those, and
    what comes then waits at its sender. Opening raises what `open_embedded` does.
    """

    def __init__(
        self, directory: Path, partitions: int, clock: Callable[[], int], reserve: int = 0
    ) -> None:
        self._path, self._clock = directory / INBOX, clock
        self._room, self._looked = Room(reserve), float("-inf")
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if text := folder_format.refusal(directory):
                raise LogUnusable(text)
            folder_format.write_format(directory)
            is_new = not self._path.exists()
            self._check_room()
            self._db = sqlite3.connect(self._path, isolation_level=None)
            self._db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT}")
            end = self._path.with_suffix(".end")
            end.touch()
            self._ends = EndOffsets(end.open("r+b", buffering=0))
            if is_new:
                self._ends.clear()
            self._numbers = self._prepare(partitions)
        except (sqlite3.Error, OSError) as error:
            raise self._failure(error, "opened") from error

    def _failure(self, error: Exception, what: str) -> Overloaded | LogDamaged | LogUnusable:
        if isinstance(error, OSError):
            return _unusable(self._path.parent, error)
        name = getattr(error, "sqlite_errorname", "")
        if text := permanent_fault(self._path, name, str(error)):
            return LogUnusable(text)
        if is_storage_error(name):
            return Overloaded(f"{self._path} cannot be {what}: {error}.")
        return self._damaged(str(error))

    def _damaged(self, how: str) -> LogDamaged:
        return LogDamaged(
            f"{self._path} is damaged: {how}. Stop Footfall, look after the disk, and put the whole "
            "folder back from a copy; without one, move the folder away and begin anew."
        )

    def _prepare(self, partitions: int) -> dict[tuple[str, int], int]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if not self._tables(self._db):
                if any(self._ends.recorded().values()):
                    raise self._damaged("it is empty, and was not")
                for statement in sql.statements(sql.load("embedded/log")):
                    self._db.execute(statement)
                self._describe(partitions)
            matches = self._checked()
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        if matches != partitions:
            raise LogMismatch(
                f"{self._path} was made with {matches} partitions, not {partitions}; the number is "
                f"fixed when a log is made. Set {matches}, or begin a new log in another directory."
            )
        return {
            (position.topic, position.partition): position.number for position in self._places()
        }

    def _tables(self, database: sqlite3.Connection) -> list[tuple[str, str]]:
        return database.execute("SELECT name, sql FROM sqlite_master").fetchall()

    def _checked(self) -> int:
        """The partition count, once everything that is small is as it was written."""
        ends = self._ends.recorded()
        expected = sqlite3.connect(":memory:")
        expected.executescript(sql.load("embedded/log"))
        if fault := schema_fault(self._tables(self._db), self._tables(expected)):
            if fault != "older":
                raise self._damaged(fault)
            raise LogMismatch(
                f"{self._path} is of an older version, whose records have no checksums. Finish it "
                "with that version, then begin a new log in another directory."
            )
        expected.close()
        payload = self._db.execute("SELECT key, value, checksum FROM log").fetchall()
        for *fact, check in payload:
            if checksum(tuple(fact)) != check:
                raise self._damaged(f"the fact {fact} has another checksum")
        reported = {key: value for key, value, _ in payload}
        locations = self._places()
        count = int(reported.get("partitions", 0))
        if (
            reported.get("format") != FORMAT
            or "log_id" not in reported
            or len(locations) != len(_TOPICS) * count
        ):
            raise self._damaged("facts or partitions are missing")
        if shorter := shortened_partition(ends, locations):
            raise self._damaged(f"{shorter} (says {self._path.with_suffix('.end').name})")
        return count

    def _places(self) -> list[PartitionRow]:
        return [self._place(row) for row in self._db.execute(f"{_PLACE} FROM partitions")]

    def _place(self, row: Sequence[Any]) -> PartitionRow:
        position = PartitionRow(*row[:-1])
        if checksum(position) != row[-1]:
            raise self._damaged(f"the row of partition {row[0]} has another checksum")
        return position

    def _describe(self, partitions: int) -> None:
        payload = [("log_id", str(uuid4())), ("partitions", str(partitions)), ("format", FORMAT)]
        self._db.executemany(
            "INSERT INTO log VALUES (?, ?, ?)", [(*fact, checksum(fact)) for fact in payload]
        )
        locations = [
            PartitionRow(n * partitions + partition, topic, partition)
            for n, topic in enumerate(_TOPICS)
            for partition in range(partitions)
        ]
        self._db.executemany(
            "INSERT INTO partitions VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*position, checksum(position)) for position in locations],
        )

    def write(self, records: Sequence[Append]) -> None:
        """One transaction. Raises Overloaded (disk full, locked for BUSY_MS, an I/O error) and
        LogDamaged."""
        self._check_room()
        now = self._clock()
        locations: dict[int, PartitionRow] = {}

        def append() -> None:
            for record in records:
                number = self._numbers[record.topic, record.partition]
                before = locations.get(number) or self._read(number)
                locations[number] = self._append(before, record, now)
            for position in locations.values():
                self._db.execute(
                    "UPDATE partitions SET next_offset = ?, events = ?, checksum = ? WHERE number = ?",
                    (position.next_offset, position.events, checksum(position), position.number),
                )

        try:
            self._transaction(append)
        except sqlite3.Error as error:
            raise self._failure(error, "written") from error
        try:
            for position in locations.values():
                self._ends.record(position)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path.with_suffix(".end"), error)

    def _read(self, number: int) -> PartitionRow:
        row = self._db.execute(f"{_PLACE} FROM partitions WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise self._damaged(f"the row of partition {number} is gone")
        return self._place(row)

    def _append(self, row: PartitionRow, record: Append, now: int) -> PartitionRow:
        fields = (row.record_id(row.next_offset), record.events, now)
        self._db.execute(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?)",
            (*fields, checksum(fields, record.value), record.value),
        )
        return row.after(record.events)

    def _check_room(self) -> None:
        if monotonic() - self._looked >= LOOK_SECONDS:
            self._room.update(shutil.disk_usage(self._path.parent).free)
            self._looked = monotonic()
        if self._room.short:
            raise Overloaded(f"The disk of {self._path} has {self._room}: nothing is taken.")

    def _transaction(self, work: Callable[[], None]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            work()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        self._ends.close()


def _unusable(folder: Path, error: OSError) -> Overloaded | LogUnusable:
    """A full disk gets room again; a file in the place of a folder stays one."""
    text = f"{folder.absolute()} cannot be used: {error.strerror}."
    if is_temporary(error):
        return Overloaded(text)
    return LogUnusable(f"{text} The log is a folder that this user may write to.")
