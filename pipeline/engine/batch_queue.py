"""What a partition's task has been handed and not begun: bounded by events, without gaps."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from pipeline.engine.stage import Record

BATCH_EVENTS: Final = 20_000
"""Events folded before rows and delta are written: larger parts need far fewer merges (8,000 take a
fifth more CPU). Partitions that are behind have some 300 MB in flight with it."""
QUEUED_EVENTS: Final = 20_000
"""Events that are queued while a batch is in flight; then Faust waits."""
LARGE_BYTES: Final = 2_000
"""An event of more than this counts as several: a batch and a queue are of some 40 MB at most."""


class RecordBatch(NamedTuple):
    """Records from Faust, and how to acknowledge them."""

    records: Sequence[Record]
    ack: Callable[[], object]


class BatchQueue:
    """Batches of one partition, in the order of its offsets. Used from one event loop."""

    def __init__(self) -> None:
        self.next_offset = 0
        """The offset of the next record that it takes."""
        self.closing = asyncio.Event()
        self._batches: deque[RecordBatch] = deque()
        self._events = 0
        self._changed = asyncio.Condition()

    @property
    def closed(self) -> bool:
        """Whether it takes and gives nothing any more."""
        return self.closing.is_set()

    async def close(self) -> None:
        """Let whoever waits here go on."""
        self.closing.set()
        async with self._changed:
            self._changed.notify_all()

    async def put(self, batch: RecordBatch) -> bool:
        """Step 3: add records, but those it had before; waits while too many are queued.

        False: they do not follow on, and nothing was added.
        """
        fresh = [record for record in batch.records if record.offset >= self.next_offset]
        if fresh and self.next_offset and fresh[0].offset != self.next_offset:
            return False
        async with self._changed:
            await self._changed.wait_for(lambda: self._events < QUEUED_EVENTS or self.closed)
            if self.closed:
                return True
            if fresh:
                self.next_offset = fresh[-1].offset + 1
            self._batches.append(RecordBatch(fresh, batch.ack))
            self._events += _events(fresh)
            self._changed.notify_all()
        return True

    async def gather(self) -> list[RecordBatch]:
        """Everything that came while the last batch was in flight, within BATCH_EVENTS.

        Waits for the first; empty once the queue is closed.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._batches or self.closed)
            if self.closed:
                return []
            batches: list[RecordBatch] = []
            events = 0
            while self._batches and (not batches or events < BATCH_EVENTS):
                batch = self._batches.popleft()
                events += _events(batch.records)
                batches.append(batch)
            self._events -= events
            self._changed.notify_all()
            return batches


def _events(records: Sequence[Record]) -> int:
    """Large events count as several, as what is in memory is bounded by it.

    Ticks, which declare no event, count as one: they may cost more than one.
    """
    return sum(max(record.events, 1, len(record.value) // LARGE_BYTES) for record in records)
