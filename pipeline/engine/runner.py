"""How a stage's partition goes forward without losing or doubling anything.

This is the protocol of docs/ARCHITECTURE.md, The runner's protocol; code points to its steps by number.

    1  load         snapshot and deltas of the partition        PartitionTask.load
    2  start        at the offset after the last one applied    PartitionTask.load
    3  queue        records that follow on, without gaps        BatchQueue.put
    4  fold         each record but repeats (by origin, see     Fold.fold
                    State.is_new): state, outputs, rows
    5  rows         into the warehouse, read back before        BatchWriter.persist
                    where it is in doubt what is there
    6  outputs      to the log, each with its origin            Journal.commit
    7  delta        of the state, to the log: now all counts    Journal.commit
    8  snapshot     of the state, now and then                  PartitionTask._snapshot
    9  acknowledge  the records to Faust                        PartitionTask._run

Rows go before outputs, so that outputs and delta can be one transaction where the log has them; both
orders are safe, because nothing counts until the delta is durable.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable

import structlog

from pipeline.engine.batch_queue import RecordBatch
from pipeline.engine.batch_writer import RowSink
from pipeline.engine.metrics import StageMetrics
from pipeline.engine.partition_task import Environment, PartitionTask
from pipeline.engine.stage import Record, Stage
from pipeline.engine.transports.contract import Journal

log = structlog.get_logger()


class Runner:
    """One stage on this worker: a task for each partition that it has."""

    def __init__(
        self,
        stage: Stage,
        journal: Journal,
        sink: RowSink,
        metrics: StageMetrics,
        is_ahead: Callable[[Record], bool] = lambda record: False,
    ) -> None:
        """`is_ahead` says which records must not be folded, see `pipeline.recovery.tick_check`."""
        self.stage, self.journal, self.metrics = stage, journal, metrics
        self.environment = Environment(journal, sink, metrics, is_ahead)
        self.tasks: dict[int, PartitionTask] = {}
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Ends with the first error of a partition's task."""

    async def resume(self, partition: int) -> int:
        """Steps 1 and 2, where they are not done: the offset of the next record.

        A partition is loaded or revoked, one at a time. Raises what `PartitionTask.load` raises.
        """
        async with self._locks[partition]:
            task = self.tasks.get(partition)
            if task is None:
                task = PartitionTask(self.stage, partition, self.environment)
                await task.load(self._ended)
                self.tasks[partition] = task
            return task.next_offset

    async def revoke(self, partition: int, patience_s: float = 10.0) -> None:
        """Another worker takes over: end the batch in flight and forget the partition."""
        async with self._locks[partition]:
            task = self.tasks.pop(partition, None)
            if task is not None:
                await task.close(patience_s)

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
        task.queue.next_offset = existing[0].offset
        return await task.put(batch)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A partition's task is over: an error in it (a bug, damaged state) must end the worker."""
        if not task.cancelled() and (error := task.exception()) and not self.failed.done():
            self.failed.set_exception(error)
