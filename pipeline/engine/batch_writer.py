"""Steps 5 to 7 of the runner's protocol: rows, outputs and delta of a batch become durable, in this order.

Where warehouse or log are away all of it is done again, for ever; rows are then read back first, as some
of them may have been stored.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

import structlog

from pipeline.engine.fold import Fold
from pipeline.engine.metrics import StageMetrics
from pipeline.engine.outputs import records_of
from pipeline.engine.stage import Emit
from pipeline.engine.transports.contract import Delta, Journal
from pipeline.errors import Retryable, StateDamaged
from schemas.rows import ExistingRows, Row, SourcedRow

log = structlog.get_logger()

RETRY_SECONDS: Final = (0.1, 0.3, 1.0, 3.0, 5.0)
"""Pauses between tries at a warehouse or log that is away; the last one repeats."""

Rows = Mapping[type[Row], Sequence[SourcedRow]]


class RowSink(Protocol):
    """Step 5; see `pipeline.warehouse.sink`. All block and are called from a thread."""

    def read_back(self, topic: str, partition: int, applied: int) -> ExistingRows:
        """Which rows of records above `applied` are there already. Raises WarehouseUnavailable."""

    def count_entries(self, topic: str, partition: int, applied: int) -> int:
        """How many entries of the books the records up to `applied` have there."""

    def write(self, topic: str, partition: int, rows: Rows, existing: ExistingRows = ...) -> None:
        """Insert rows but the existing ones; durable on return.

        Raises WarehouseUnavailable or WarehouseRefused.
        """


class BatchWriter:
    """Writes what one partition's batches emit. `closing` ends it where it would try again."""

    def __init__(
        self,
        fold: Fold,
        journal: Journal,
        sink: RowSink,
        metrics: StageMetrics,
        closing: asyncio.Event,
    ) -> None:
        self.journal, self.sink, self._metrics, self._closing = journal, sink, metrics, closing
        self._fold = fold
        self.stage, self.source, self.partition = (
            fold.stage.name,
            fold.stage.source.name,
            fold.partition,
        )
        self.retrying = False
        """Whether it waits for a warehouse or a log that is away."""
        self._in_doubt = True
        self._existing: ExistingRows = {}

    async def persist(self, emit: Emit, delta: Delta) -> None:
        """Steps 5 to 7, again from 5 until the warehouse and the log have taken them.

        Raises StateDamaged as `check_accounting` and read-back do, and WarehouseRefused where the
        warehouse will never take the rows.
        """
        outputs = list(records_of(emit.outputs, self.journal.partitions))
        tries = 0
        while True:
            try:
                if emit.rows:
                    await self._store(emit.rows)
                await self.journal.commit(self.stage, self.partition, outputs, delta)
                self.retrying = False
                return
            except Retryable as error:
                self._in_doubt = self.retrying = True
                if self._closing.is_set():
                    raise asyncio.CancelledError from error
                pause = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
                tries += 1
                self._metrics.retries.inc()
                log.warning(
                    "retrying",
                    stage=self.stage,
                    partition=self.partition,
                    pause_seconds=pause,
                    error=str(error),
                )
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), pause)

    async def check_accounting(self) -> None:
        """Raises StateDamaged where the warehouse has less than this partition's state has written."""
        applied, entries = self._fold.applied, self._fold.entries
        if not entries:
            return
        stored = await asyncio.to_thread(
            self.sink.count_entries, self.source, self.partition, applied
        )
        if stored < entries:
            raise StateDamaged(
                f"The warehouse has {stored} of the {entries} entries that {self.source}/{self.partition} "
                f"has in its books: it is empty, an older copy, or has lost some. Put the right one back, "
                f"or run `footfall rebuild`."
            )

    async def _store(self, rows: Rows) -> None:
        """Step 5."""
        if self._in_doubt:
            await self._read_back()
        await asyncio.to_thread(self._write, rows)
        self._in_doubt = False

    async def _read_back(self) -> None:
        """What is there already stays in mind: a later life of this task cuts batches elsewhere.

        Raises StateDamaged where the warehouse has rows of records that the log has not.
        """
        await self.check_accounting()
        self._existing = await asyncio.to_thread(
            self.sink.read_back, self.source, self.partition, self._fold.applied
        )
        newest = max((offset for rows in self._existing.values() for offset, _ in rows), default=-1)
        # Asked afterwards, as others may go forward meanwhile.
        end = await self.journal.end(self.source, self.partition)
        if newest >= end:
            raise StateDamaged(
                f"The warehouse has rows of offset {newest} of {self.source}/{self.partition}, which ends "
                f"at {end}. Bring log and warehouse back from one copy, or begin both anew."
            )

    def _write(self, rows: Rows) -> None:
        self.sink.write(self.source, self.partition, rows, self._existing)
