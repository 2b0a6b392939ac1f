"""Folds an embedded log to its end with the worker's own runners, without Faust.

Partitions of events go side by side by the log's time, as they did when it was written: a stage that
reads what all of them pass on would take the facts of one that is days behind for history.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pipeline.engine.batch_queue import RecordBatch
from pipeline.engine.partition_task import PartitionTask
from pipeline.engine.runner import Runner
from pipeline.engine.stage import Record
from pipeline.engine.transports.contract import Journal
from schemas.ticks import tick_time
from schemas.time_units import MINUTE_MS

_AT_ONCE: Final = 50
"""Records read at a time: each may be of 0.9 MB."""
_PAUSE_SECONDS: Final = 0.01
_STEP_MS: Final = 10 * MINUTE_MS
"""How far a partition may go ahead of the others."""

Tell = Callable[[int, int], None]


class _Replay:
    def __init__(self, journal: Journal, runners: Mapping[str, Runner], tell: Tell) -> None:
        self._journal, self._runners, self._tell = journal, runners, tell
        self._times: dict[tuple[str, int], int] = {}

    async def round(self) -> bool:
        """Hand over some records to each partition task; whether nothing was left to do."""
        folded = interval = 0
        for topic, runner in self._runners.items():
            if runner.failed.done():
                runner.failed.result()
            for partition, task in runner.tasks.items():
                end = await self._journal.end(topic, partition)
                if task.next_offset < end and not self._waits(topic, partition, task):
                    await self._feed(topic, partition, task)
                if task.next_offset >= end:
                    self._times.pop((topic, partition), None)  # nobody waits for it
                folded, interval = folded + task.applied + 1, interval + end
        self._tell(folded, interval)
        return folded >= interval

    def _waits(self, topic: str, partition: int, task: PartitionTask) -> bool:
        """Whether others of the topic are behind; a partition task does one thing after the other."""
        if task.applied < task.next_offset - 1:
            return True
        remaining = [time for (name, _), time in self._times.items() if name == topic]
        return self._times.get((topic, partition), 0) > min(remaining, default=0) + _STEP_MS

    async def _feed(self, topic: str, partition: int, task: PartitionTask) -> None:
        run = await self._journal.read(topic, partition, task.next_offset, _AT_ONCE)
        if ticks := [time for record in run if (time := tick_time(record.value)) is not None]:
            existing = self._times.get((topic, partition), 0)
            self._times[topic, partition] = max(existing, *ticks)
        await _fed(self._runners[topic], partition, run)


async def replay(journal: Journal, runners: Mapping[str, Runner], tell: Tell) -> None:
    """Until every partition task is at the end of its topic. `tell` hears of records folded, and of all.

    Raises what would end a worker.
    """
    for runner in runners.values():
        for partition in range(journal.partitions):
            await runner.resume(partition)
    going = _Replay(journal, runners, tell)
    finished = False
    while not finished:
        finished = await going.round()
        await asyncio.sleep(0 if finished else _PAUSE_SECONDS)
    for runner in runners.values():
        for partition in list(runner.tasks):
            await runner.revoke(partition)


async def _fed(runner: Runner, partition: int, run: Sequence[Record]) -> None:
    """A partition task that has ended takes nothing more, and would be waited for without end."""
    feeding = asyncio.create_task(runner.feed(partition, RecordBatch(run, lambda: None)))
    ends: list[asyncio.Future[Any]] = [feeding, runner.failed]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if runner.failed.done():
        feeding.cancel()
        runner.failed.result()
