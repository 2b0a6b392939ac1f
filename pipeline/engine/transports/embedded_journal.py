"""The embedded log's writing side: `work.db`, one SQLite transaction per committed batch.

Collectors append to `inbox.db`; the worker only reads it. `inbox.db` is made by the first
collector; both files carry the log's id, so that state never meets another log's events.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import sql
from pipeline.clock import wall
from pipeline.engine.stage import Record
from pipeline.engine.transports.contract import Delta, Snapshot
from pipeline.engine.transports.embedded_expiry import delete_old
from pipeline.engine.transports.embedded_file import (
    check,
    connect,
    damage_error,
    facts_of,
    open_ends,
    using,
    write_fact,
)
from pipeline.engine.transports.embedded_records import Partitions, Reader
from pipeline.engine.transports.embedded_snapshots import StoredChunks, with_last
from pipeline.errors import StateDamaged
from schemas import topics
from schemas.log_records import Append
from schemas.logfile import FORMAT, INBOX, OFFSET_BITS, WORK, PartitionRow, checksum

T = TypeVar("T")

_IN_INBOX: Final = frozenset(t.name for t in topics.ALL if t.writer == "collector")


class EmbeddedJournal:
    """See `pipeline.engine.transports.contract.Journal`. One thread does all writing."""

    def __init__(self, directory: Path) -> None:
        """Raises LogUnavailable where there is no inbox yet; LogDamaged and BadSetting."""
        inbox, work = directory / INBOX, directory / WORK
        self._path = work
        self._inbox = connect(inbox, write=False)
        facts = check(inbox, self._inbox)
        self.log_id, self.partitions = facts["log_id"], int(facts["partitions"])
        is_new = not work.exists()
        self._work = connect(work, write=True)
        self._ends = open_ends(work)
        with using(work, "opened"):
            self._make(is_new)
            work_facts = check(work, self._work)
            self._check_log(work_facts["log_id"])
        self._work_partitions = Partitions(work, self._work)
        self._readable = connect(work, write=False)
        self._expiring = connect(inbox, write=True)
        self._inbox_partitions = Partitions(inbox, self._expiring)
        self._partitions_of = {
            True: Partitions(inbox, self._inbox),
            False: Partitions(work, self._readable),
        }
        self._readers = {True: Reader(inbox, self._inbox), False: Reader(work, self._readable)}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")

    def _make(self, is_new: bool) -> None:
        """A work.db that has nothing yet gets all at once. Raises LogDamaged where it once had."""
        work = self._work
        if work.execute("SELECT 1 FROM sqlite_master").fetchone():
            return
        if is_new:
            self._ends.clear()
        if any(self._ends.recorded().values()):
            raise damage_error(self._path, "it is empty, and was not")
        in_transaction(work, self._make_tables)

    def _make_tables(self) -> None:
        for script in ("embedded/log", "embedded/work"):
            for statement in sql.statements(sql.load(script)):
                self._work.execute(statement)
        write_fact(self._work, "log_id", self.log_id)
        write_fact(self._work, "format", FORMAT)
        own = Partitions(self._path, self._work)
        for topic in topics.ALL:
            own.make(topic.name, 0 if topic.name in _IN_INBOX else self.partitions)

    def _check_log(self, mine: str) -> None:
        if mine != self.log_id:
            raise StateDamaged(
                f"work.db belongs to log {mine}, inbox.db is log {self.log_id}: one of the two was "
                f"replaced. Put the right file back, or remove work.db and the warehouse together."
            )

    async def has_begun(self) -> bool:
        """Whether a worker ever folded records with this work.db: `begin` was called, or, in files
        older than `begin`, there is state."""

        def read() -> bool:
            (has_state,) = self._work.execute(
                "SELECT EXISTS (SELECT 1 FROM log WHERE key = 'begun') "
                "OR EXISTS (SELECT 1 FROM deltas) OR EXISTS (SELECT 1 FROM snapshots)"
            ).fetchone()
            return bool(has_state)

        return await self._call(read)

    async def begin(self) -> None:
        """From now on the warehouse may have rows that this work.db's state made. Durable."""
        await self._transaction(lambda: write_fact(self._work, "begun", "1"))

    async def set_fact(self, key: str, value: str) -> None:
        """Keep a fact about what belongs to this log. Durable."""
        await self._transaction(lambda: write_fact(self._work, key, value))

    async def fact(self, key: str) -> str:
        """The fact kept last, or nothing."""
        return (await self._call(lambda: facts_of(self._path, self._work))).get(key, "")

    async def commit(
        self, stage: str, partition: int, outputs: Sequence[Append], delta: Delta
    ) -> None:
        """Outputs and delta in one transaction."""

        def write() -> list[PartitionRow]:
            row = (stage, partition, delta.lo, delta.applied)
            self._work.execute(
                "INSERT INTO deltas (stage, partition, lo, applied, checksum, body) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (*row, checksum(row, delta.body), delta.body),
            )
            return self._append(outputs)

        self._record_ends(await self._transaction(write))

    async def append(self, records: Sequence[Append]) -> None:
        """All in one transaction."""
        self._record_ends(await self._transaction(lambda: self._append(records)))

    async def append_once(self, name: str, records: Sequence[Append]) -> None:
        """As `append`, unless it was done before under this name."""

        def write() -> list[PartitionRow]:
            if self._work.execute("SELECT 1 FROM log WHERE key = ?", (name,)).fetchone():
                return []
            write_fact(self._work, name, "1")
            return self._append(records)

        self._record_ends(await self._transaction(write))

    def _append(self, records: Sequence[Append]) -> list[PartitionRow]:
        """The partitions as they are afterwards."""
        now = wall()
        rows: dict[tuple[str, int], PartitionRow] = {}
        for record in records:
            key = (record.topic, record.partition)
            row = rows.get(key) or self._work_partitions.read(*key)
            fields = (row.record_id(row.next_offset), record.events, now)
            self._work.execute(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?)",
                (*fields, checksum(fields, record.value), record.value),
            )
            rows[key] = row.after(record.events)
        for row in rows.values():
            self._work_partitions.write(row)
        return list(rows.values())

    def _record_ends(self, rows: Sequence[PartitionRow]) -> None:
        for row in rows:
            self._ends.record(row)

    async def load(
        self, stage: str, partition: int
    ) -> tuple[Snapshot | None, AsyncIterator[Delta]]:
        """The newest snapshot and all deltas kept."""
        key = (stage, partition)
        with using(self._path, "read"):
            newest = self._readable.execute(
                "SELECT applied FROM snapshots WHERE stage = ? AND partition = ? "
                "ORDER BY applied LIMIT 1",
                key,
            ).fetchone()
        if newest is None:
            return None, self._deltas(key)
        chunks = StoredChunks(self._path, self._readable, (*key, newest[0]))
        return Snapshot(newest[0], chunks), self._deltas(key)

    async def _deltas(self, key: tuple[str, int]) -> AsyncIterator[Delta]:
        with (
            using(self._path, "read"),
            closing(
                self._readable.execute(
                    "SELECT lo, applied, checksum, body FROM deltas WHERE stage = ? AND partition = ? "
                    "ORDER BY id",
                    key,
                )
            ) as rows,
        ):
            for lo, applied, stored_checksum, body in rows:
                if checksum((*key, lo, applied), body) != stored_checksum:
                    name = f"{key[0]}/{key[1]}"
                    text = f"the delta of {name} at offset {applied} has another checksum"
                    raise damage_error(self._path, text)
                yield Delta(lo, applied, body)
                await asyncio.sleep(0)

    async def snapshot(self, stage: str, partition: int, snapshot: Snapshot) -> None:
        """Replace the stage's snapshot and drop the deltas it covers, in one transaction."""
        applied, key = snapshot.applied, (stage, partition)

        def write() -> None:
            self._work.execute("DELETE FROM snapshots WHERE stage = ? AND partition = ?", key)
            for number, (body, last) in enumerate(with_last(snapshot.chunks)):
                row = (*key, applied, number, number + 1 if last else 0)
                self._work.execute(
                    "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*row, checksum(row, body), body),
                )
            self._work.execute(
                "DELETE FROM deltas WHERE stage = ? AND partition = ? AND applied <= ?",
                (*key, applied),
            )

        await self._transaction(write)

    async def end(self, topic: str, partition: int) -> int:
        """The next offset."""
        side = self._side(topic)
        with using(side.path, "read"):
            return side.read(topic, partition).next_offset

    async def count(self, topic: str, partition: int, start: int) -> int:
        """Events from `start` on."""
        side = self._side(topic)
        with using(side.path, "read"):
            row = side.read(topic, partition)
            (events,) = side.connection.execute(
                "SELECT coalesce(sum(events), 0) FROM records WHERE id >= ? AND id < ?",
                (row.record_id(start), row.record_id(1 << OFFSET_BITS)),
            ).fetchone()
        return int(events)

    async def read(self, topic: str, partition: int, start: int, limit: int) -> list[Record]:
        """At most `limit` records from `start`."""
        with closing(self._readers[topic in _IN_INBOX].records(topic, partition, start)) as records:
            return list(islice(records, limit))

    async def expire(
        self, topic: str, partition: int, below: int, before_ms: int, limit: int, now_ms: int
    ) -> int:
        """Delete at most `limit` records under offset `below`, appended before `before_ms`.

        Answers how many that were; see `embedded_expiry.delete_old`.
        """
        inbox = topic in _IN_INBOX
        partitions = self._inbox_partitions if inbox else self._work_partitions

        def write() -> int:
            return delete_old(partitions, (topic, partition), below, before_ms, limit, now_ms)

        return await self._call(
            lambda: in_transaction(partitions.connection, write), partitions.path
        )

    async def close(self) -> None:
        """Wait for the writer, then close both files; who writes comes last, and empties the WAL."""
        self._writer.shutdown(wait=True)
        self._readable.close()
        self._work.close()
        self._inbox.close()
        self._expiring.close()
        self._ends.close()

    def _side(self, topic: str) -> Partitions:
        return self._partitions_of[topic in _IN_INBOX]

    async def _transaction(self, write: Callable[[], T]) -> T:
        return await self._call(lambda: in_transaction(self._work, write), self._path)

    async def _call(self, function: Callable[[], T], path: Path | None = None) -> T:
        with using(path or self._path, "written"):
            return await asyncio.get_running_loop().run_in_executor(self._writer, function)


def in_transaction(connection: sqlite3.Connection, write: Callable[[], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        answer = write()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return answer
