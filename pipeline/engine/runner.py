"""The protocol of DESIGN section 4: how a stage's partition goes forward without losing or doubling.

    1  one topic per stage                                 (Stage.source)
    2  load snapshot and deltas                            PartitionTask.load
    3  start at applied + 1                                PartitionTask.next_offset
    4  drop repeats by origin                              the stage, by `State.seen`
    5  fold records: state, outputs, rows                  PartitionTask._fold
    6  every output has its origin                         Emit
    8  rows, with read-back where it is in doubt           PartitionTask._store
    7  outputs, and 9 the delta                            Journal.commit
    10 acknowledge                                         PartitionTask._advance
    11 snapshot now and then                               PartitionTask._snapshot

Rows go before outputs (8 before 7), so that outputs and delta can be one transaction where the log
has them; both orders are safe, because nothing counts until the delta is durable.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from traceback import extract_tb
from typing import Final, NamedTuple, Protocol

import structlog

from pipeline.engine.metrics import StageMetrics
from pipeline.engine.outputs import records_of
from pipeline.engine.stage import Emit, EmittedRow, Record, Stage
from pipeline.engine.state.deltas import Changes, changes_of, delta_of, restore, settle, snapshot_of
from pipeline.engine.transports.contract import Delta, Journal
from pipeline.errors import LogDamaged, Retryable, StageFailed, StateDamaged
from schemas import topics
from schemas.rejects import Reason, reject_row
from schemas.rows import AccountingRow, RejectRow, Row
from schemas.ticks import is_tick

log = structlog.get_logger()

BATCH_EVENTS: Final = 20_000
"""Events folded before rows and delta are written: larger parts need far fewer merges (8,000 take a
fifth more CPU). Partition tasks that are behind have some 300 MB in flight with it."""
TURN_EVENTS: Final = 1_000
"""Events folded before others on the event loop get their turn: some 10 ms."""
QUEUED_EVENTS: Final = 20_000
"""Events a partition task holds while a batch is in flight; then Faust waits."""
LARGE_BYTES: Final = 2_000
"""An event of more than this counts as several: a batch and a queue are of some 40 MB at most."""
SNAPSHOT_BYTES: Final = 16 * 1024 * 1024
"""A snapshot is taken when the deltas since the last outgrow this and the snapshot's own size."""
SNAPSHOT_DELTAS: Final = 10_000
"""… or when there are so many: a quiet partition's ticks are small, but each is one to load."""
RETRY_SECONDS: Final = (0.1, 0.3, 1.0, 3.0, 5.0)
"""Pauses between tries at a warehouse or log that is away; the last one repeats."""

ACCOUNTED_TOPICS: Final = (topics.EVENTS, topics.REJECTS)
"""The topics whose records are in the books."""

_UNENCODABLE: Final = (OverflowError, TypeError, ValueError)
"""What encoding state raises for a value that nothing can hold. What the warehouse refuses is no
record's fault: the code made the row, and the worker ends."""

Rows = Mapping[type[Row], Sequence[EmittedRow]]
Existing = Mapping[type[Row], frozenset[tuple[int, int]]]


class RowSink(Protocol):
    """Step 8; see `pipeline.warehouse.sink`. Both block and are called from a thread."""

    def read_back(self, topic: str, partition: int, applied: int) -> Existing:
        """Which rows above `applied` are there already."""

    def counted(self, topic: str, partition: int, applied: int) -> int:
        """How many entries of the books the records up to `applied` have there."""

    def write(self, topic: str, partition: int, rows: Rows, existing: Existing = ...) -> None:
        """Insert rows but the existing ones; durable on return."""


class RecordBatch(NamedTuple):
    """Records from Faust, and how to acknowledge them."""

    records: Sequence[Record]
    ack: Callable[[], object]


class PartitionTask:
    """One partition of one stage: at most one batch in flight."""

    def __init__(self, stage: Stage, partition: int, runner: "Runner") -> None:
        self.stage, self.partition, self.runner = stage, partition, runner
        self.state = stage.new_state()
        self.next_offset = 0
        self._queue: deque[RecordBatch] = deque()
        self._queued = 0
        self._changed = asyncio.Condition()
        self._in_doubt = True
        self._existing: Existing = {}
        self._delta_bytes = self._snapshot_bytes = 0
        self._settled: tuple[int, dict[str, tuple[int, int]]] = (-1, {})
        self._entries = 0
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._deltas = 0
        self.retrying = False

    async def load(self) -> None:
        """Step 2; then batches run in a task of their own.

        Raises StateDamaged where the log ends before what the state has folded in: it is another
        log, or one that lost its tail, and its next records would be taken for old ones.
        """
        snapshot, deltas = await self.runner.journal.load(self.stage.name, self.partition)
        try:
            self._delta_bytes = await restore(self.state, snapshot, deltas)
        except Exception as error:
            raise self._unreadable(error) from error
        self._snapshot_bytes = self.state.size() if snapshot else 0
        end = await self.runner.journal.end(self.stage.source.name, self.partition)
        if self.state.applied >= end:
            raise StateDamaged(
                f"The state of {self.stage.name}/{self.partition} has offset {self.state.applied}, "
                f"but {self.stage.source.name} ends at {end}. Bring log, state and warehouse back "
                f"from one copy, or begin all three anew."
            )
        self._settled = (self.state.applied, dict(self.state.seen))
        self._entries = self.state.written.get(AccountingRow.table) or 0
        self.next_offset = self.state.applied + 1
        self._task = asyncio.create_task(self._run(), name=f"{self.stage.name}/{self.partition}")
        self._task.add_done_callback(self.runner.partition_ended)

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

    @property
    def applied(self) -> int:
        """The offset of the last record whose consequences are durable (−1: none)."""
        return self._settled[0]

    async def close(self, patience: float) -> None:
        """Let the batch in flight end within `patience` seconds, then stop."""
        self._closing.set()
        async with self._changed:
            self._changed.notify_all()
        if self._task is not None:
            done, _ = await asyncio.wait([self._task], timeout=patience)
            if not done:
                self._task.cancel()

    @property
    def closed(self) -> bool:
        """Whether the partition task takes nothing any more."""
        return self._closing.is_set()

    async def put(self, batch: RecordBatch) -> bool:
        """Queue records; waits while too many are queued. False: they do not follow on."""
        fresh = [record for record in batch.records if record.offset >= self.next_offset]
        if fresh and self.next_offset and fresh[0].offset != self.next_offset:
            return False
        async with self._changed:
            await self._changed.wait_for(lambda: self._queued < QUEUED_EVENTS or self.closed)
            if self.closed:
                return True
            if fresh:
                self.next_offset = fresh[-1].offset + 1
            self._queue.append(RecordBatch(fresh, batch.ack))
            self._queued += _events(fresh)
            self._changed.notify_all()
        return True

    async def _run(self) -> None:
        while True:
            batches = await self._gather()
            if not batches:
                return
            records = [record for batch in batches for record in batch.records]
            while records:
                records = records[await self._step(records) :]
            for batch in batches:
                batch.ack()  # step 10

    async def _gather(self) -> list[RecordBatch]:
        """Everything that came while the last batch was in flight, within the batch's bound."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._queue or self.closed)
            if self.closed:
                return []
            batches: list[RecordBatch] = []
            events = 0
            while self._queue and (not batches or events < BATCH_EVENTS):
                batch = self._queue.popleft()
                events += _events(batch.records)
                batches.append(batch)
            self._queued -= events
            self._changed.notify_all()
            return batches

    async def _step(self, records: Sequence[Record]) -> int:
        """What comes before a tick that is ahead of this worker's clock, or such ticks by themselves."""
        ahead = self.runner.is_ahead
        first = next((n for n, record in enumerate(records) if ahead(record)), len(records))
        if first:
            return await self._advance(records[:first])
        rest = (n for n, record in enumerate(records) if n and not ahead(record))
        return await self._pass_over(records[: next(rest, len(records))])

    async def _pass_over(self, records: Sequence[Record]) -> int:
        """A batch without rows and outputs: whether it was done, a crash leaves nothing in doubt."""
        self.state.applied = records[-1].offset
        await self._make_durable(Emit(self.stage.source, self.partition), changes_of(self.state))
        self.runner.metrics.batch_of(self.partition, records, self.applied)
        await self._snapshot()
        return len(records)

    async def _advance(self, records: Sequence[Record]) -> int:
        """Fold, store, commit; answers how many records that took (all, unless one is poison)."""
        emit, folded = await self._fold(records)
        try:
            changes = self._changes(emit)
        except _UNENCODABLE as error:
            self._roll_back()
            if folded > 1:
                return await self._advance(records[: folded // 2])
            emit = self._set_aside(records[0], error)
            changes = self._changes(emit)
        await self._make_durable(emit, changes)
        self.runner.metrics.batch_of(self.partition, records[:folded], self.applied)
        await self._snapshot()
        return folded

    def _changes(self, emit: Emit) -> Changes:
        """What the batch changes, its entries in the books counted with it."""
        if entries := len(emit.rows.get(AccountingRow, ())):
            self.state.written.put(
                AccountingRow.table, (self.state.written.get(AccountingRow.table) or 0) + entries
            )
        return changes_of(self.state)

    async def _make_durable(self, emit: Emit, changes: Changes) -> None:
        """Steps 7 to 9 for what was folded since the last settled delta.

        Raises WarehouseRefused where the warehouse will never take the rows.
        """
        delta = delta_of(self.state, changes, self.applied + 1)
        with self.runner.metrics.flush.time():
            await self._persist(emit, delta, self.applied)
        self._settle(changes, delta)
        for row, _, _ in emit.rows.get(RejectRow, ()):
            assert isinstance(row, RejectRow)
            self.runner.metrics.rejected(row.reason)

    async def _fold(self, records: Sequence[Record]) -> tuple[Emit, int]:
        """Step 5. A record that makes the stage raise ends the batch before it, or is set aside."""
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
                log.error(
                    "record_set_aside",
                    stage=self.stage.name,
                    partition=self.partition,
                    offset=record.offset,
                    error=repr(error),
                )
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
        """Fold a record without the lines that cannot be folded: those become rejects.

        Called on settled state. Which lines they are depends on state and record alone, so a
        replay sets the same ones aside. Raises StageFailed where one of them is a tick: that is no
        input, and time must not stand still unnoticed.
        """
        lines = [line for line in record.value.split(b"\n") if line.strip()]
        good = self._foldable(record.offset, lines)
        bad = sorted(set(range(len(lines))) - set(good))
        if any(is_tick(lines[number]) for number in bad):
            raise StageFailed(self._failure(record.offset, error)) from error
        emit = Emit(self.stage.source, self.partition)
        emit.begin(record.offset)
        if good:
            rest = Record(record.offset, len(good), b"\n".join(lines[n] for n in good))
            self.stage.process(self.state, rest, emit)
        detail = f"{self.stage.name} failed with {type(error).__name__}; the line was set aside."
        for number in bad:
            place = f"{self.partition}/{record.offset}#{number}"
            emit.row(
                reject_row(
                    Reason.PROCESSING_FAILED,
                    detail,
                    self.stage.source.name,
                    place,
                    lines[number],
                    self.state.now,
                )
            )
        if self.stage.source in ACCOUNTED_TOPICS:
            emit.row(AccountingRow(declared=len(bad), rejected=len(bad)))
        self.state.applied = record.offset
        return emit

    def _failure(self, offset: int, error: Exception) -> str:
        """Where in the log and where in the code; not what the error says, which may be content."""
        frames = extract_tb(error.__traceback__)
        where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        return (
            f"{self.stage.name} fails with {type(error).__name__}{where} at the tick of "
            f"{self.stage.source.name}/{self.partition}, offset {offset}. This is a fault of "
            f"Footfall's own: report it. The log keeps what comes; nothing is lost."
        )

    def _foldable(self, offset: int, lines: list[bytes]) -> list[int]:
        """Which lines the stage folds, one after another, with consequences that can be encoded."""
        good: list[int] = []
        for number in range(len(lines)):
            together = b"\n".join(lines[n] for n in (*good, number))
            emit = Emit(self.stage.source, self.partition)
            emit.begin(offset)
            try:
                self.stage.process(self.state, Record(offset, len(good) + 1, together), emit)
                changes_of(self.state)
                good.append(number)
            except Exception as error:  # noqa: BLE001  # looking for the line that does this
                log.error(
                    "line_set_aside",
                    stage=self.stage.name,
                    partition=self.partition,
                    offset=offset,
                    line=number,
                    kind=type(error).__name__,
                )
            self._roll_back()
        return good

    async def _persist(self, emit: Emit, delta: Delta, applied: int) -> None:
        """Steps 8, 7 and 9, again from 8 until the warehouse and the log have taken them."""
        outputs = list(records_of(emit.outputs, self.runner.journal.partitions))
        tries = 0
        while True:
            try:
                if emit.rows:
                    await self._store(emit.rows, applied)
                await self.runner.journal.commit(self.stage.name, self.partition, outputs, delta)
                self.retrying = False
                return
            except Retryable as error:
                self._in_doubt = self.retrying = True
                if self.closed:
                    raise asyncio.CancelledError from error
                pause = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
                tries += 1
                self.runner.metrics.retries.inc()
                log.warning(
                    "retrying",
                    stage=self.stage.name,
                    partition=self.partition,
                    pause_seconds=pause,
                    error=str(error),
                )
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), pause)

    async def _store(self, rows: Rows, applied: int) -> None:
        if self._in_doubt:
            await self._look_back(applied)
        await asyncio.to_thread(self._write, rows)
        self._in_doubt = False

    async def _look_back(self, applied: int) -> None:
        """What is found there stays in mind: a later life cuts batches elsewhere.

        Raises StateDamaged where the warehouse has rows of records that the log has not.
        """
        place = (self.stage.source.name, self.partition)
        await self.check_accounting()
        self._existing = await asyncio.to_thread(self.runner.sink.read_back, *place, applied)
        newest = max((o for found in self._existing.values() for o, _ in found), default=-1)
        end = await self.runner.journal.end(*place)  # asked afterwards: others may go forward
        if newest >= end:
            raise StateDamaged(
                f"The warehouse has rows of offset {newest} of {place[0]}/{place[1]}, which ends at "
                f"{end}. Bring log and warehouse back from one copy, or begin both anew."
            )

    async def check_accounting(self) -> None:
        """Raises StateDamaged where the warehouse has less than this partition task has written."""
        place = (self.stage.source.name, self.partition)
        applied, entries = self.applied, self._entries
        if not entries:
            return
        held = await asyncio.to_thread(self.runner.sink.counted, *place, applied)
        if held < entries:
            raise StateDamaged(
                f"The warehouse has {held} of the {entries} entries that {place[0]}/{place[1]} has in "
                f"its books: it is empty, an older copy, or has lost some. Put the right one back, or "
                f"run `footfall rebuild`."
            )

    def _write(self, rows: Rows) -> None:
        place = (self.stage.source.name, self.partition)
        self.runner.sink.write(*place, rows, self._existing)

    def _settle(self, changes: Changes, delta: Delta) -> None:
        settle(self.state, changes)
        self._settled = (self.state.applied, dict(self.state.seen))
        self._entries = self.state.written.get(AccountingRow.table) or 0
        self._delta_bytes += len(delta.body)
        self._deltas += 1

    async def _snapshot(self) -> None:
        """Step 11."""
        large = self._delta_bytes >= max(SNAPSHOT_BYTES, self._snapshot_bytes)
        if not large and self._deltas < SNAPSHOT_DELTAS:
            return
        self._deltas = 0
        snapshot = snapshot_of(self.state)
        try:
            await self.runner.journal.snapshot(self.stage.name, self.partition, snapshot)
        except Retryable as error:
            log.warning("snapshot_put_off", stage=self.stage.name, error=str(error))
            return
        self._snapshot_bytes = self.state.size()
        self._delta_bytes = 0


def _events(records: Sequence[Record]) -> int:
    """Large events count as several, as what is held is bounded by it.

    Ticks, which declare no event, count as one: they may cost more than one.
    """
    return sum(max(record.events, 1, len(record.value) // LARGE_BYTES) for record in records)


class Runner:
    """All of one stage's partition tasks on this worker."""

    def __init__(
        self,
        stage: Stage,
        journal: Journal,
        sink: RowSink,
        metrics: StageMetrics,
        is_ahead: Callable[[Record], bool] = lambda record: False,
    ) -> None:
        """`is_ahead` says which records must not be folded, see `pipeline.recovery.tick_check`."""
        self.is_ahead = is_ahead
        self.stage, self.journal, self.sink, self.metrics = stage, journal, sink, metrics
        self.tasks: dict[int, PartitionTask] = {}
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def resume(self, partition: int) -> int:
        """Steps 2 and 3: the next offset wanted. A partition is loaded or revoked, one at a time."""
        async with self._locks[partition]:
            task = self.tasks.get(partition)
            if task is None:
                task = PartitionTask(self.stage, partition, self)
                await task.load()
                self.tasks[partition] = task
            return task.next_offset

    async def revoke(self, partition: int, patience: float = 10.0) -> None:
        """Another worker takes over: end the batch in flight and forget the partition."""
        async with self._locks[partition]:
            task = self.tasks.pop(partition, None)
            if task is not None:
                await task.close(patience)

    async def feed(self, partition: int, batch: RecordBatch) -> bool:
        """Queue records for their partition. False: they do not follow on what it has; seek."""
        task = self.tasks.get(partition)
        if task is None or await task.put(batch):
            return True
        source, next_offset = self.stage.source.name, task.next_offset
        existing = await self.journal.read(source, partition, next_offset, 1)
        if not existing or existing[0].offset != batch.records[0].offset:
            return False
        log.error(
            "records_gone",
            topic=source,
            partition=partition,
            first=next_offset,
            next=existing[0].offset,
        )  # retention, or another producer's markers
        task.next_offset = existing[0].offset
        return await task.put(batch)

    def partition_ended(self, task: asyncio.Task[None]) -> None:
        """A partition's task is over: an error in it (a bug, damaged state) must end the worker."""
        if not task.cancelled() and (error := task.exception()) and not self.failed.done():
            self.failed.set_exception(error)
