"""The embedded log's writing side: `work.db`, one SQLite transaction per committed batch.

Collectors append to `inbox.db`; the worker only reads it. `inbox.db` is made by the first
collector; both files carry the log's id, so that state never meets another log's events.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from time import time_ns
from typing import Final, TypeVar

import sql
from pipeline.errors import LogUnavailable, StateDamaged
from pipeline.stage import Record
from pipeline.transports.contract import Append, Delta, Snapshot
from schemas import topics

T = TypeVar("T")

INBOX: Final = "inbox.db"
WORK: Final = "work.db"
OFFSET_BITS: Final = 40
_IN_INBOX: Final = frozenset(t.name for t in topics.ALL if t.writer == "collector")


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open one of the log's files. Raises LogUnavailable where it cannot be opened."""
    try:
        mode = "rwc" if write else "ro"
        connection = sqlite3.connect(
            f"file:{path}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA busy_timeout = 10000")
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        return connection
    except sqlite3.OperationalError as error:
        raise LogUnavailable(f"The log file {path} cannot be opened: {error}.") from error


def describe(inbox: sqlite3.Connection) -> tuple[str, int]:
    """The log's id and its partition count."""
    facts = dict(inbox.execute("SELECT key, value FROM log").fetchall())
    return facts["log_id"], int(facts["partitions"])


class EmbeddedJournal:
    """See `pipeline.transports.contract.Journal`. One thread does all writing."""

    def __init__(self, directory: Path) -> None:
        self._inbox = connect(directory / INBOX, write=False)
        try:
            self.log_id, self.partitions = describe(self._inbox)
        except (sqlite3.OperationalError, KeyError) as error:
            raise LogUnavailable(f"{directory / INBOX} is not ready: {error}.") from error
        self._work = connect(directory / WORK, write=True)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._numbers = self._prepare()
        self._readable = connect(directory / WORK, write=False)
        self._expiring = connect(directory / INBOX, write=True)

    def _prepare(self) -> dict[tuple[str, int], int]:
        work = self._work
        work.executescript(sql.load("embedded/log"))
        work.executescript(sql.load("embedded/work"))
        work.execute("INSERT OR IGNORE INTO log VALUES ('log_id', ?)", (self.log_id,))
        (mine,) = work.execute("SELECT value FROM log WHERE key = 'log_id'").fetchone()
        if mine != self.log_id:
            raise StateDamaged(
                f"work.db belongs to log {mine}, inbox.db is log {self.log_id}: one of the two was "
                f"replaced. Put the right file back, or remove work.db and the warehouse together."
            )
        for topic in topics.ALL:
            for partition in range(0 if topic.name in _IN_INBOX else self.partitions):
                work.execute(
                    "INSERT OR IGNORE INTO partitions (topic, partition) VALUES (?, ?)",
                    (topic.name, partition),
                )
        return _numbers(work)

    async def has_begun(self) -> bool:
        """Whether a worker ever folded records with this work.db: `begin` was called, or, in files
        older than `begin`, there is state."""

        def read() -> bool:
            (begun,) = self._work.execute(
                "SELECT EXISTS (SELECT 1 FROM log WHERE key = 'begun') "
                "OR EXISTS (SELECT 1 FROM deltas) OR EXISTS (SELECT 1 FROM snapshots)"
            ).fetchone()
            return bool(begun)

        return await self._call(read)

    async def begin(self) -> None:
        """From now on the warehouse may have rows that this work.db's state made. Durable."""
        fact = "INSERT OR IGNORE INTO log VALUES ('begun', '1')"
        await self._transaction(lambda: self._work.execute(fact))

    async def commit(
        self, stage: str, partition: int, outputs: Sequence[Append], delta: Delta
    ) -> None:
        """Outputs and delta in one transaction."""

        def write() -> None:
            now = time_ns() // 1_000_000
            for output in outputs:
                self._append(output, now)
            self._work.execute(
                "INSERT INTO deltas (stage, partition, lo, applied, body) VALUES (?, ?, ?, ?, ?)",
                (stage, partition, delta.lo, delta.applied, delta.body),
            )

        await self._transaction(write)

    async def append(self, records: Sequence[Append]) -> None:
        """All in one transaction."""

        def write() -> None:
            for record in records:
                self._append(record, time_ns() // 1_000_000)

        await self._transaction(write)

    def _append(self, record: Append, now: int) -> None:
        number = self._numbers[record.topic, record.partition]
        (offset,) = self._work.execute(
            "UPDATE partitions SET next_offset = next_offset + 1, events = events + ? "
            "WHERE number = ? RETURNING next_offset - 1",
            (record.events, number),
        ).fetchone()
        self._work.execute(
            "INSERT INTO records VALUES (?, ?, ?, ?)",
            ((number << OFFSET_BITS) | offset, record.events, now, record.value),
        )

    async def load(
        self, stage: str, partition: int
    ) -> tuple[Snapshot | None, AsyncIterator[Delta]]:
        """The newest snapshot and all deltas kept."""

        def read() -> tuple[Snapshot | None, list[Delta]]:
            chunks = self._work.execute(
                "SELECT applied, body FROM snapshots WHERE stage = ? AND partition = ? "
                "ORDER BY applied, chunk",
                (stage, partition),
            ).fetchall()
            deltas = self._work.execute(
                "SELECT lo, applied, body FROM deltas WHERE stage = ? AND partition = ? "
                "ORDER BY id",
                (stage, partition),
            ).fetchall()
            snapshot = Snapshot(chunks[0][0], [body for _, body in chunks]) if chunks else None
            return snapshot, [Delta(*row) for row in deltas]

        snapshot, deltas = await self._call(read)

        async def each() -> AsyncIterator[Delta]:
            for delta in deltas:
                yield delta

        return snapshot, each()

    async def snapshot(self, stage: str, partition: int, snapshot: Snapshot) -> None:
        """Replace the stage's snapshot and drop the deltas it covers, in one transaction."""
        applied, key = snapshot.applied, (stage, partition)

        def write() -> None:
            self._work.execute("DELETE FROM snapshots WHERE stage = ? AND partition = ?", key)
            self._work.executemany(
                "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?)",
                ((*key, applied, number, body) for number, body in enumerate(snapshot.chunks)),
            )
            self._work.execute(
                "DELETE FROM deltas WHERE stage = ? AND partition = ? AND applied <= ?",
                (*key, applied),
            )

        await self._transaction(write)

    async def end(self, topic: str, partition: int) -> int:
        """The next offset; 0 where the partition has no record yet."""
        with _reading():
            row = self._side(topic).execute(
                "SELECT next_offset FROM partitions WHERE topic = ? AND partition = ?",
                (topic, partition),
            ).fetchone()  # fmt: skip
        return int(row[0]) if row else 0

    async def count(self, topic: str, partition: int, start: int) -> int:
        """Events from `start` on."""
        side = self._side(topic)
        with _reading():
            base = _numbers(side)[topic, partition] << OFFSET_BITS
            (events,) = side.execute(
                "SELECT coalesce(sum(events), 0) FROM records WHERE id >= ? AND id < ?",
                (base + start, base + (1 << OFFSET_BITS)),
            ).fetchone()
        return int(events)

    async def read(self, topic: str, partition: int, start: int, limit: int) -> list[Record]:
        """At most `limit` records from `start`."""
        with _reading():
            return list(islice(records_from(self._side(topic), topic, partition, start), limit))

    async def expire(self, topic: str, partition: int, below: int, before: int, limit: int) -> int:
        """Delete at most `limit` records under offset `below` appended before `before`, ms.

        Freed pages are used again, so a file grows to what `retention_days` need and stays there.
        """
        side = self._expiring if topic in _IN_INBOX else self._work

        def write() -> int:
            base = _numbers(side)[topic, partition] << OFFSET_BITS
            return side.execute(
                "DELETE FROM records WHERE id IN (SELECT id FROM records "
                "WHERE id >= ? AND id < ? AND appended_at < ? ORDER BY id LIMIT ?)",
                (base, base + below, before, limit),
            ).rowcount

        return await self._call(write)

    async def close(self) -> None:
        """Wait for the writer, then close both files."""
        self._writer.shutdown(wait=True)
        self._work.close()
        self._readable.close()
        self._expiring.close()
        self._inbox.close()

    def _side(self, topic: str) -> sqlite3.Connection:
        return self._inbox if topic in _IN_INBOX else self._readable

    async def _transaction(self, write: Callable[[], T]) -> T:
        def run() -> T:
            self._work.execute("BEGIN IMMEDIATE")
            try:
                answer = write()
                self._work.execute("COMMIT")
            except sqlite3.Error:
                if self._work.in_transaction:
                    self._work.execute("ROLLBACK")
                raise
            return answer

        return await self._call(run)

    async def _call(self, function: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writer, function)
        except sqlite3.Error as error:
            raise LogUnavailable(f"The log cannot be written: {error}.") from error


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LogUnavailable(f"The log cannot be read: {error}.") from error


def _numbers(connection: sqlite3.Connection) -> dict[tuple[str, int], int]:
    rows = connection.execute("SELECT topic, partition, number FROM partitions").fetchall()
    return {(topic, partition): number for topic, partition, number in rows}


def records_from(
    connection: sqlite3.Connection, topic: str, partition: int, start: int
) -> Generator[Record, None, None]:
    """Records of one partition from offset `start`, in order. Read as far as it is iterated."""
    row = connection.execute(
        "SELECT number FROM partitions WHERE topic = ? AND partition = ?", (topic, partition)
    ).fetchone()
    if row is None:
        return
    base = row[0] << OFFSET_BITS
    rows = connection.execute(
        "SELECT id, events, value FROM records WHERE id >= ? AND id < ? ORDER BY id",
        (base + start, base + (1 << OFFSET_BITS)),
    )
    with closing(rows):  # an open cursor would hold the file's old pages
        for identifier, events, value in rows:
            yield Record(identifier - base, events, value)
