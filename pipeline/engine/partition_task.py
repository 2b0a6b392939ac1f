"""One partition of one stage: loads its state, folds batch after batch, and snapshots now and then."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import structlog

from pipeline.engine.batch_queue import BatchQueue, RecordBatch
from pipeline.engine.batch_writer import BatchWriter, RowSink
from pipeline.engine.fold import Fold
from pipeline.engine.metrics import StageMetrics
from pipeline.engine.stage import Emit, Record, Stage
from pipeline.engine.state.deltas import Changes, delta_of, restore, snapshot_of
from pipeline.engine.state.keyed import State
from pipeline.engine.transports.contract import Journal
from pipeline.errors import LogDamaged, Retryable, StateDamaged
from schemas.rows import RejectRow

log = structlog.get_logger()

SNAPSHOT_BYTES: Final = 16 * 1024 * 1024
"""A snapshot is taken when the deltas since the last outgrow this and the snapshot's own size."""
SNAPSHOT_DELTAS: Final = 10_000
"""… or when there are so many: a quiet partition's ticks are small, but each is one to load."""


class Environment(NamedTuple):
    """What all tasks of a stage share. `is_ahead`: whether a record must not be folded yet."""

    journal: Journal
    sink: RowSink
    metrics: StageMetrics
    is_ahead: Callable[[Record], bool]


class PartitionTask:
    """At most one batch is in flight. Runs in an asyncio task from `load` to `close`."""

    def __init__(self, stage: Stage, partition: int, environment: Environment) -> None:
        self.stage, self.partition = stage, partition
        self._journal, _, self._metrics, self._is_ahead = environment
        self._fold = Fold(stage, partition)
        self.queue = BatchQueue()
        self.writer = BatchWriter(self._fold, *environment[:3], self.queue.closing)
        self.running: asyncio.Task[None] | None = None
        self._deltas = self._delta_bytes = self._snapshot_bytes = 0

    @property
    def state(self) -> State:
        """The stage's state, with what is folded and not yet durable."""
        return self._fold.state

    @property
    def applied(self) -> int:
        """The offset of the last record whose consequences are durable (−1: none)."""
        return self._fold.applied

    @property
    def next_offset(self) -> int:
        """The offset of the next record that is queued."""
        return self.queue.next_offset

    @property
    def retrying(self) -> bool:
        """Whether it waits for a warehouse or a log that is away."""
        return self.writer.retrying

    async def load(self, on_end: Callable[[asyncio.Task[None]], object]) -> None:
        """Steps 1 and 2; then batches run in a task of their own, and `on_end` hears of its end.

        Raises LogUnavailable, and LogDamaged or StateDamaged where what is stored cannot be read or
        where the log ends before what the state has folded in: it is another log, or one that lost
        its tail, and its next records would be taken for old ones.
        """
        snapshot, deltas = await self._journal.load(self.stage.name, self.partition)
        try:
            self._delta_bytes = await restore(self.state, snapshot, deltas)
        except Exception as error:
            raise self._unreadable(error) from error
        self._snapshot_bytes = self.state.size() if snapshot else 0
        end = await self._journal.end(self.stage.source.name, self.partition)
        if self.state.applied >= end:
            raise StateDamaged(
                f"The state of {self.stage.name}/{self.partition} has offset {self.state.applied}, "
                f"but {self.stage.source.name} ends at {end}. Bring log, state and warehouse back "
                f"from one copy, or begin all three anew."
            )
        self._fold.loaded()
        self.queue.next_offset = self.state.applied + 1
        self.running = asyncio.create_task(self._run(), name=f"{self.stage.name}/{self.partition}")
        self.running.add_done_callback(on_end)

    def _unreadable(self, error: Exception) -> Exception:
        """Whatever bytes that are no state make of themselves, it is the state that is damaged.

        What a log says of its own files names the file and the way out already.
        """
        if isinstance(error, (Retryable, LogDamaged)):
            return error
        why = str(error) if isinstance(error, StateDamaged) else type(error).__name__
        return StateDamaged(
            f"The state of {self.stage.name}/{self.partition} (work.db, or its topics on Kafka) is damaged: "
            f"{why} Bring log, state and warehouse back from one copy, or begin all three anew."
        )

    async def close(self, patience_s: float) -> None:
        """Let the batch in flight end within `patience_s`, then stop."""
        await self.queue.close()
        if self.running is not None:
            ended, _ = await asyncio.wait([self.running], timeout=patience_s)
            if not ended:
                self.running.cancel()

    async def put(self, batch: RecordBatch) -> bool:
        """Queue records; waits while too many are queued. False: they do not follow on."""
        return await self.queue.put(batch)

    async def check_accounting(self) -> None:
        """Raises StateDamaged where the warehouse has less than this partition's state has written."""
        await self.writer.check_accounting()

    async def _run(self) -> None:
        while True:
            batches = await self.queue.gather()
            if not batches:
                return
            records = [record for batch in batches for record in batch.records]
            while records:
                records = records[await self._step(records) :]
            for batch in batches:
                batch.ack()  # step 9

    async def _step(self, records: Sequence[Record]) -> int:
        """What comes before a tick that is ahead of this worker's clock, or such ticks by themselves.

        Answers how many records that were.
        """
        ahead = self._is_ahead
        first = next((n for n, record in enumerate(records) if ahead(record)), len(records))
        if first:
            emit, changes, count = await self._fold.fold(records[:first])
        else:
            # No rows and outputs: whether it was done, a crash leaves nothing in doubt.
            right = (n for n, record in enumerate(records) if n and not ahead(record))
            count = next(right, len(records))
            emit, changes = self._fold.pass_over(records[:count])
        await self._make_durable(emit, changes)
        self._metrics.batch_of(self.partition, records[:count], self.applied)
        await self._snapshot()
        return count

    async def _make_durable(self, emit: Emit, changes: Changes) -> None:
        """Steps 5 to 7 for what was folded since the last settled delta."""
        delta = delta_of(self.state, changes, self.applied + 1)
        with self._metrics.flush.time():
            await self.writer.persist(emit, delta)
        self._fold.settle(changes)
        self._delta_bytes += len(delta.body)
        self._deltas += 1
        for row, _, _ in emit.rows.get(RejectRow, ()):
            assert isinstance(row, RejectRow)
            self._metrics.rejected(row.reason)

    async def _snapshot(self) -> None:
        """Step 8."""
        large = self._delta_bytes >= max(SNAPSHOT_BYTES, self._snapshot_bytes)
        if not large and self._deltas < SNAPSHOT_DELTAS:
            return
        self._deltas = 0
        snapshot = snapshot_of(self.state)
        try:
            await self._journal.snapshot(self.stage.name, self.partition, snapshot)
        except Retryable as error:
            log.warning("snapshot_put_off", stage=self.stage.name, error=str(error))
            return
        self._snapshot_bytes = self.state.size()
        self._delta_bytes = 0
