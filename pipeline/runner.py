"""The protocol of DESIGN section 4: how a stage's partition goes forward without losing or doubling.

    1  one topic per stage                                 (Stage.source)
    2  load snapshot and deltas                            Lane.load
    3  start at applied + 1                                Lane.next_offset
    4  drop repeats by origin                              the stage, by `State.seen`
    5  fold records: state, outputs, rows                  Lane._fold
    6  every output has its origin                         Emit
    8  rows, with read-back where it is in doubt           Lane._store
    7  outputs, and 9 the delta                            Journal.commit
    10 acknowledge                                         Lane._advance
    11 snapshot now and then                               Lane._snapshot

Rows go before outputs (8 before 7), so that outputs and delta can be one transaction where the log
has them; both orders are safe, because nothing counts until the delta is durable.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import structlog

from pipeline.errors import Retryable
from pipeline.metrics import StageMetrics
from pipeline.outputs import records_of
from pipeline.stage import Emit, Record, Stage
from pipeline.state.deltas import Changes, changes_of, delta_of, restore, settle, snapshot_of
from pipeline.transports.contract import Delta, Journal
from schemas.columns import REJECTS, Table
from schemas.rejects import Reason, reject_row

log = structlog.get_logger()

BATCH_EVENTS: Final = 20_000
"""Events folded before rows and delta are written: larger parts need far fewer merges."""
TURN_EVENTS: Final = 1_000
"""Events folded before others on the event loop get their turn: some 10 ms."""
QUEUED_EVENTS: Final = 20_000
"""Events a lane holds while a batch is in flight; then Faust waits."""
SNAPSHOT_BYTES: Final = 16 * 1024 * 1024
"""A snapshot is taken when the deltas since the last outgrow this and the snapshot's own size."""
RETRY_SECONDS: Final = (0.1, 0.3, 1.0, 3.0, 5.0)
"""Pauses between tries at a warehouse or log that is away; the last one repeats."""

Rows = Mapping[Table, Sequence[tuple[Any, ...]]]
Existing = Mapping[Table, frozenset[tuple[int, int]]]


class RowSink(Protocol):
    """Step 8; see `pipeline.warehouse.sink`. Both block and are called from a thread."""

    def read_back(self, topic: str, partition: int, applied: int) -> Existing:
        """Which rows above `applied` are there already."""

    def write(self, topic: str, partition: int, rows: Rows, existing: Existing = ...) -> None:
        """Insert rows but the existing ones; durable on return."""


class Handed(NamedTuple):
    """Records from Faust, and how to acknowledge them."""

    records: Sequence[Record]
    ack: Callable[[], object]


class Lane:
    """One partition of one stage: at most one batch in flight."""

    def __init__(self, stage: Stage, partition: int, runner: "Runner") -> None:
        self.stage, self.partition, self.runner = stage, partition, runner
        self.state = stage.new_state()
        self.next_offset = 0
        self._queue: deque[Handed] = deque()
        self._queued = 0
        self._changed = asyncio.Condition()
        self._in_doubt = True
        self._existing: Existing = {}
        self._delta_bytes = self._snapshot_bytes = 0
        self._settled: tuple[int, dict[str, tuple[int, int]]] = (-1, {})
        self._task: asyncio.Task[None] | None = None
        self.closed = False

    async def load(self) -> None:
        """Step 2; then batches run in a task of their own."""
        snapshot, deltas = await self.runner.journal.load(self.stage.name, self.partition)
        self._delta_bytes = await restore(self.state, snapshot, deltas)
        self._snapshot_bytes = sum(map(len, snapshot.chunks)) if snapshot else 0
        self._settled = (self.state.applied, dict(self.state.seen))
        self.next_offset = self.state.applied + 1
        self._task = asyncio.create_task(self._run(), name=f"{self.stage.name}/{self.partition}")
        self._task.add_done_callback(self.runner.lane_ended)

    @property
    def applied(self) -> int:
        """The offset of the last record whose consequences are durable (−1: none)."""
        return self._settled[0]

    async def close(self, patience: float) -> None:
        """Let the batch in flight end within `patience` seconds, then stop."""
        self.closed = True
        async with self._changed:
            self._changed.notify_all()
        if self._task is not None:
            done, _ = await asyncio.wait([self._task], timeout=patience)
            if not done:
                self._task.cancel()

    async def put(self, handed: Handed) -> bool:
        """Queue records; waits while too many are queued. False: they do not follow on."""
        fresh = [record for record in handed.records if record.offset >= self.next_offset]
        if fresh and self.next_offset and fresh[0].offset != self.next_offset:
            return False
        async with self._changed:
            await self._changed.wait_for(lambda: self._queued < QUEUED_EVENTS or self.closed)
            if self.closed:
                return True
            if fresh:
                self.next_offset = fresh[-1].offset + 1
            self._queue.append(Handed(fresh, handed.ack))
            self._queued += _events(fresh)
            self._changed.notify_all()
        return True

    async def _run(self) -> None:
        while True:
            handed = await self._gather()
            if not handed:
                return
            records = [record for part in handed for record in part.records]
            while records:
                records = records[await self._advance(records) :]
            for part in handed:
                part.ack()  # step 10

    async def _gather(self) -> list[Handed]:
        """Everything that came while the last batch was in flight, within the batch's bound."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._queue or self.closed)
            if self.closed:
                return []
            taken: list[Handed] = []
            events = 0
            while self._queue and (not taken or events < BATCH_EVENTS):
                part = self._queue.popleft()
                events += _events(part.records)
                taken.append(part)
            self._queued -= events
            self._changed.notify_all()
            return taken

    async def _advance(self, records: Sequence[Record]) -> int:
        """Fold, store, commit; answers how many records that took (all, unless one is poison)."""
        lo = self.state.applied + 1
        emit, folded = await self._fold(records)
        changes = changes_of(self.state)
        delta = delta_of(self.state, changes, lo)
        with self.runner.metrics.flush.time():
            await self._persist(emit, delta, lo - 1)
        self._settle(changes, delta)
        self.runner.metrics.batch_of(self.partition, records[:folded], self.state.applied)
        await self._snapshot()
        return folded

    async def _fold(self, records: Sequence[Record]) -> tuple[Emit, int]:
        """Step 5. A record that makes the stage raise is set aside, alone, as a reject."""
        emit, turn = Emit(self.stage.source, self.partition), 0
        for count, record in enumerate(records):
            turn += record.events
            if turn >= TURN_EVENTS:
                turn = 0
                await asyncio.sleep(0)
            emit.begin(record.offset)
            try:
                self.stage.process(self.state, record, emit)
            except Exception as error:  # noqa: BLE001  # a stage's bug must not stop the site
                log.error("record_set_aside", stage=self.stage.name, partition=self.partition,
                          offset=record.offset, error=repr(error))  # fmt: skip
                self._roll_back()
                if count:
                    return await self._fold(records[:count])
                return self._set_aside(record, error), 1
            self.state.applied = record.offset
        return emit, len(records)

    def _roll_back(self) -> None:
        settled, self.state = self.state, self.stage.new_state()
        self.state.adopt(settled)
        self.state.applied, seen = self._settled
        self.state.seen = dict(seen)

    def _set_aside(self, record: Record, error: Exception) -> Emit:
        emit = Emit(self.stage.source, self.partition)
        emit.begin(record.offset)
        detail = f"{self.stage.name} failed with {type(error).__name__}; the record was set aside."
        emit.row(REJECTS, *reject_row(Reason.UNREADABLE_RECORD, detail, self.stage.source.name,
                                      f"{self.partition}/{record.offset}", record.value))  # fmt: skip
        self.state.applied = record.offset
        return emit

    async def _persist(self, emit: Emit, delta: Delta, applied: int) -> None:
        """Steps 8, 7 and 9, again from 8 until the warehouse and the log have taken them."""
        outputs = list(records_of(emit.outputs, self.runner.journal.partitions))
        tries = 0
        while True:
            try:
                if emit.rows:
                    await self._store(emit.rows, applied)
                await self.runner.journal.commit(self.stage.name, self.partition, outputs, delta)
                return
            except Retryable as error:
                self._in_doubt = True
                pause = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
                tries += 1
                self.runner.metrics.retries.inc()
                log.warning("retrying", stage=self.stage.name, partition=self.partition,
                            pause_seconds=pause, error=str(error))  # fmt: skip
                await asyncio.sleep(pause)

    async def _store(self, rows: Rows, applied: int) -> None:
        await asyncio.to_thread(self._write, rows, applied)
        self._in_doubt = False

    def _write(self, rows: Rows, applied: int) -> None:
        """What is found there stays in mind: a later life cuts batches elsewhere."""
        sink, place = self.runner.sink, (self.stage.source.name, self.partition)
        if self._in_doubt:
            self._existing = sink.read_back(*place, applied)
        sink.write(*place, rows, self._existing)

    def _settle(self, changes: Changes, delta: Delta) -> None:
        settle(self.state, changes)
        self._settled = (self.state.applied, dict(self.state.seen))
        self._delta_bytes += len(delta.body)

    async def _snapshot(self) -> None:
        """Step 11."""
        if self._delta_bytes < max(SNAPSHOT_BYTES, self._snapshot_bytes):
            return
        snapshot = snapshot_of(self.state)
        try:
            await self.runner.journal.snapshot(self.stage.name, self.partition, snapshot)
        except Retryable as error:
            log.warning("snapshot_put_off", stage=self.stage.name, error=str(error))
            return
        self._snapshot_bytes = sum(map(len, snapshot.chunks))
        self._delta_bytes = 0


def _events(records: Sequence[Record]) -> int:
    """Ticks, which declare no event, count as one: they may cost more than one."""
    return sum(record.events or 1 for record in records)


class Runner:
    """All of one stage's lanes on this worker."""

    def __init__(
        self, stage: Stage, journal: Journal, sink: RowSink, metrics: StageMetrics
    ) -> None:
        self.stage, self.journal, self.sink, self.metrics = stage, journal, sink, metrics
        self.lanes: dict[int, Lane] = {}
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def resume(self, partition: int) -> int:
        """Steps 2 and 3: the next offset wanted."""
        lane = self.lanes.get(partition)
        if lane is None:
            lane = Lane(self.stage, partition, self)
            await lane.load()
            self.lanes[partition] = lane
        return lane.next_offset

    async def revoke(self, partition: int, patience: float = 10.0) -> None:
        """Another worker takes over: end the batch in flight and forget the partition."""
        lane = self.lanes.pop(partition, None)
        if lane is not None:
            await lane.close(patience)

    async def feed(self, partition: int, handed: Handed) -> bool:
        """Hand records to their lane. False: they do not follow on what the lane has; seek."""
        lane = self.lanes.get(partition)
        return True if lane is None else await lane.put(handed)

    def lane_ended(self, task: asyncio.Task[None]) -> None:
        """A lane's task is over: an error in it (a bug, damaged state) must end the worker."""
        if not task.cancelled() and (error := task.exception()) and not self.failed.done():
            self.failed.set_exception(error)
