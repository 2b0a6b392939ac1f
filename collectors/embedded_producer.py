"""The embedded log's inbox: `inbox.db`, in the format of `sql/embedded/log.sql`.

Several processes may append to it at once (an import beside a collector); SQLite orders them.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import sql
from collectors.errors import LogMismatch, Overloaded
from collectors.producer import Append, GroupCommit
from schemas import topics

INBOX: Final = "inbox.db"
OFFSET_BITS: Final = 40
BUSY_MS: Final = 10_000
JOURNAL_LIMIT: Final = 64 * 1024 * 1024
_TOPICS: Final = tuple(topic.name for topic in topics.ALL if topic.writer == "collector")


async def open_embedded(
    directory: Path, partitions: int, clock: Callable[[], int], **options: Any
) -> GroupCommit:
    """A Producer on `directory`/inbox.db, which is made where missing.

    `clock` gives ms for `appended_at`; `options` are GroupCommit's. Raises LogMismatch where the
    inbox has another partition count, Overloaded where it cannot be opened now.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="inbox-writer")
    loop = asyncio.get_running_loop()
    try:
        writer = await loop.run_in_executor(executor, EmbeddedWriter, directory, partitions, clock)
    except BaseException:
        executor.shutdown(wait=False)
        raise
    return GroupCommit(writer, partitions, executor=executor, **options)


class EmbeddedWriter:
    """A Writer on SQLite; each write is one transaction, fsynced."""

    def __init__(self, directory: Path, partitions: int, clock: Callable[[], int]) -> None:
        self._path, self._clock = directory / INBOX, clock
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self._path, isolation_level=None)
            self._db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT}")
            self._numbers = self._prepare(partitions)
        except (sqlite3.Error, OSError) as error:
            raise Overloaded(f"{self._path} cannot be opened: {error}.") from error

    def _prepare(self, partitions: int) -> dict[tuple[str, int], int]:
        self._db.executescript(f"BEGIN IMMEDIATE; {sql.load('embedded/log')} COMMIT;")
        self._transaction(lambda: self._describe(partitions))
        (found,) = self._db.execute("SELECT value FROM log WHERE key = 'partitions'").fetchone()
        if int(found) != partitions:
            raise LogMismatch(
                f"{self._path} was made with {found} partitions, not {partitions}; the number is "
                f"fixed when a log is made. Set {found}, or begin a new log in another directory."
            )
        rows = self._db.execute("SELECT topic, partition, number FROM partitions").fetchall()
        return {(topic, partition): number for topic, partition, number in rows}

    def _describe(self, partitions: int) -> None:
        facts = [("log_id", str(uuid4())), ("partitions", str(partitions))]
        if self._db.execute("SELECT 1 FROM log").fetchone():
            return
        self._db.executemany("INSERT INTO log VALUES (?, ?)", facts)
        self._db.executemany(
            "INSERT INTO partitions (number, topic, partition) VALUES (?, ?, ?)",
            (
                (place * partitions + partition, topic, partition)
                for place, topic in enumerate(_TOPICS)
                for partition in range(partitions)
            ),
        )

    def write(self, records: Sequence[Append]) -> None:
        """One transaction. Raises Overloaded (disk full, locked for BUSY_MS, an I/O error)."""
        now = self._clock()

        def append() -> None:
            for record in records:
                self._append(record, now)

        try:
            self._transaction(append)
        except sqlite3.Error as error:
            raise Overloaded(f"{self._path} cannot be written: {error}.") from error

    def _append(self, record: Append, now: int) -> None:
        number = self._numbers[record.topic, record.partition]
        (offset,) = self._db.execute(
            "UPDATE partitions SET next_offset = next_offset + 1, events = events + ? "
            "WHERE number = ? RETURNING next_offset - 1",
            (record.events, number),
        ).fetchone()
        self._db.execute(
            "INSERT INTO records (id, events, appended_at, value) VALUES (?, ?, ?, ?)",
            (number << OFFSET_BITS | offset, record.events, now, record.value),
        )

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
