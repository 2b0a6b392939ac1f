"""A log and a warehouse in memory that outlive the simulated workers which use them.

`Faults` stands at every step where a process can die or be paused; a seed decides which.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor, Future
from random import Random
from typing import Any

from pipeline.engine.stage import Record
from pipeline.engine.transports.contract import Delta, Snapshot
from pipeline.errors import LogUnavailable, WarehouseUnavailable
from pipeline.warehouse.contract import Params, Rows
from schemas.log_records import Append
from sql import load

PartitionKey = tuple[str, int]


class Killed(BaseException):
    """The process is gone: nothing may catch this but the simulation."""


class Faults:
    """Dies, fails or pauses at named points with the given chances."""

    def __init__(self, rng: Random, *, kill: float = 0.0, fail: float = 0.0) -> None:
        self.rng, self.kill, self.fail = rng, kill, fail
        self.dead = False
        self.pause_at = ""
        self.paused, self.resume = asyncio.Event(), asyncio.Event()

    async def point(self, name: str) -> None:
        """A step begins or has ended; `name` says which."""
        await asyncio.sleep(0)
        if name == self.pause_at:
            self.pause_at = ""
            self.paused.set()
            await self.resume.wait()
        self.strike()

    def strike(self) -> None:
        """The process may end here. Once dead, nothing it still tries has an effect."""
        if self.dead or self.rng.random() < self.kill:
            self.dead = True
            raise Killed

    def fails(self) -> bool:
        """Whether a call is not answered."""
        return self.rng.random() < self.fail


class MemoryLog:
    """Records, deltas and snapshots: what is durable."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.records: dict[PartitionKey, list[Append]] = defaultdict(list)
        self.deltas: dict[PartitionKey, list[Delta]] = defaultdict(list)
        self.snapshots: dict[PartitionKey, Snapshot] = {}

    def append(self, record: Append) -> None:
        self.records[record.topic, record.partition].append(record)

    def read(self, topic: str, partition: int, start: int, limit: int) -> list[Record]:
        found = self.records[topic, partition][start : start + limit]
        return [
            Record(start + number, record.events, record.value)
            for number, record in enumerate(found)
        ]


class MemoryJournal:
    """A Journal on a MemoryLog. `atomic` as embedded: outputs and delta together; else as Kafka."""

    log_id = "memory"

    def __init__(self, log: MemoryLog, faults: Faults, *, atomic: bool) -> None:
        self.log, self.faults, self.atomic = log, faults, atomic
        self.partitions = log.partitions

    async def commit(
        self, stage: str, partition: int, outputs: Sequence[Append], delta: Delta
    ) -> None:
        await self.faults.point("before outputs")
        for output in outputs:
            self.log.append(output)
            if not self.atomic:
                await self._between()
        if not self.atomic:
            await self.faults.point("before delta")
        self.log.deltas[stage, partition].append(delta)
        await self.faults.point("after delta")

    async def _between(self) -> None:
        await self.faults.point("between outputs")
        if self.faults.fails():
            raise LogUnavailable("The broker is away.")

    async def load(
        self, stage: str, partition: int
    ) -> tuple[Snapshot | None, AsyncIterator[Delta]]:
        await self.faults.point("before load")
        deltas = list(self.log.deltas[stage, partition])

        async def each() -> AsyncIterator[Delta]:
            for delta in deltas:
                yield delta

        return self.log.snapshots.get((stage, partition)), each()

    async def append(self, records: Sequence[Append]) -> None:
        for record in records:
            await self._between()
            self.log.append(record)

    async def snapshot(self, stage: str, partition: int, snapshot: Snapshot) -> None:
        await self.faults.point("before snapshot")
        key = (stage, partition)
        before = self.log.snapshots.get(key)
        if before is None or before.applied < snapshot.applied:
            self.log.snapshots[key] = Snapshot(snapshot.applied, list(snapshot.chunks))
        await self.faults.point("before dropping deltas")
        kept = [delta for delta in self.log.deltas[key] if delta.applied > snapshot.applied]
        self.log.deltas[key][:] = kept

    async def end(self, topic: str, partition: int) -> int:
        return len(self.log.records[topic, partition])

    async def count(self, topic: str, partition: int, start: int) -> int:
        return sum(record.events for record in self.log.records[topic, partition][start:])

    async def read(self, topic: str, partition: int, start: int, limit: int) -> list[Record]:
        return self.log.read(topic, partition, start, limit)

    async def close(self) -> None:
        """Nothing is open."""


class MemoryWarehouse:
    """A Warehouse of rows by table name: columns → values. A row inserted twice is held twice.

    It understands inserts, and of all queries only the sink's two.
    """

    def __init__(self, rows: dict[str, list[dict[str, Any]]], faults: Faults) -> None:
        self.rows, self.faults = rows, faults

    def insert(self, table: str, columns: Sequence[str], data: Sequence[Sequence[Any]]) -> None:
        """All rows, or on a bad day none or some, with or without an answer."""
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*data, strict=True)]
        self.faults.strike()
        if self.faults.fails():
            raise WarehouseUnavailable("The warehouse is away.")
        if self.faults.fails():
            self.rows[table] += rows[: self.faults.rng.randrange(len(rows))]
            raise WarehouseUnavailable("The warehouse went away in the middle.")
        self.rows[table] += rows
        self.faults.strike()
        if self.faults.fails():
            raise WarehouseUnavailable("The warehouse did not answer.")

    def query(self, sql: str, params: Params | None = None) -> Rows:
        assert params is not None
        assert "applied" in params
        if self.faults.fails():
            raise WarehouseUnavailable("The warehouse is away.")
        theirs = [
            (table, row)
            for table, rows in self.rows.items()
            for row in rows
            if (row["log_id"], row["topic"], row["partition"])
            == (params["log_id"], params["topic"], params["partition"])
        ]
        if sql == load("warehouse/counted"):
            entries = sum(
                table == "books" and row["offset"] <= params["applied"] for table, row in theirs
            )
            return Rows(("entries",), ("UInt64",), [(entries,)])
        found = [
            (table, row["offset"], row["index"])
            for table, row in theirs
            if row["offset"] > params["applied"]
        ]
        return Rows(("table", "offset", "index"), ("String", "Int64", "UInt32"), found)

    def execute(self, sql: str, params: Params | None = None) -> None:
        raise AssertionError("The runner and the sink execute nothing.")

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        raise AssertionError("The runner and the sink read no formats.")

    def prepare(self) -> None:
        """Nothing is asked."""

    def close(self) -> None:
        """Nothing is open."""


class Inline(Executor):
    """Runs at once, in this thread: a seed must give the same run every time."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001  # as every executor does
            future.set_exception(error)
        return future
