"""What the worker knows of itself: how far each partition is, the books, and whether something stands."""

import asyncio
from collections.abc import Callable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final
from weakref import WeakSet

import structlog

import sql
from pipeline.accounting import balance
from pipeline.alarms import Alarms
from pipeline.engine.metrics import Metrics
from pipeline.engine.partition_task import PartitionTask
from pipeline.engine.runner import Runner
from pipeline.engine.transports.contract import Journal
from pipeline.errors import FootfallError, LogUnavailable, Retryable
from pipeline.warehouse.contract import Warehouse
from schemas import topics

log = structlog.get_logger()

STALLED_SECONDS: Final = 120
"""A partition task that is behind and has done nothing for so long ends the worker; the next start begins
from durable state."""
LOOK_SECONDS: Final = 2.0
ACCOUNTING_LOOKS: Final = 15
"""The books are counted every so many looks; that reads two columns of all events."""
ACCOUNTING_TRIES: Final = 3
ACCOUNTING_PAUSE_SECONDS: Final = 0.3


class LagMonitor:
    """Looks at all partition tasks every LOOK_SECONDS."""

    def __init__(
        self,
        journal: Journal,
        runners: Mapping[str, Runner],
        warehouse: Warehouse,
        metrics: Metrics,
        alarms: Alarms,
    ) -> None:
        self._alarms = alarms
        self._journal, self._runners = journal, runners
        self._warehouse, self._metrics = warehouse, metrics
        self._standing: dict[tuple[str, int], tuple[int, int]] = {}
        self._checked: WeakSet[PartitionTask] = WeakSet()
        self._accounting_thread = ThreadPoolExecutor(1, thread_name_prefix="books")
        self.assigned: Callable[[], Set[tuple[str, int]]] = frozenset

    async def run(self) -> None:
        """Keep the gauges. Raises TimeoutError when a partition task stands still behind a growing log,
        StateDamaged where the warehouse has less than a partition task has written."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            tasks = {
                (topic, partition): task
                for topic, runner in self._runners.items()
                for partition, task in runner.tasks.items()
            }
            self._standing = {
                key: standing for key, standing in self._standing.items() if key in tasks
            }
            for (topic, partition), task in tasks.items():
                await self._check_accounting(task)
                lag = await self._lag(topic, partition, task)
                self._runners[topic].metrics.lag(partition, lag)
                self._check(topic, partition, task, lag)
            looks += 1
            if looks % ACCOUNTING_LOOKS == 0:
                await self.accounting()

    async def _check_accounting(self, task: PartitionTask) -> None:
        """Once: afterwards the books are counted."""
        if task in self._checked:
            return
        try:
            await task.check_accounting()
            self._checked.add(task)
        except Retryable as error:
            log.warning("books_not_checked", error=str(error))

    def _check(self, topic: str, partition: int, task: PartitionTask, lag: int) -> None:
        """Looks are counted, not seconds: a process that was stopped has not stood still. A partition task
        that tries again and again knows what it waits for."""
        before, looks = self._standing.get((topic, partition), (-2, 0))
        stands = lag > 0 and before == task.applied and not task.retrying
        self._standing[topic, partition] = (task.applied, looks + 1 if stands else 0)
        if looks > STALLED_SECONDS / LOOK_SECONDS:
            raise TimeoutError(
                f"{topic}/{partition} stands at offset {task.applied}, {lag} records behind, for "
                f"{STALLED_SECONDS} s. Ending, to start afresh from durable state."
            )

    async def _lag(self, topic: str, partition: int, task: PartitionTask) -> int:
        try:
            end = await self._journal.end(topic, partition)
        except LogUnavailable:
            return 0  # retries are counted where they happen; an absent log is no stalled partition
        return max(0, end - 1 - task.applied)

    async def tasks(self) -> list[dict[str, Any]]:
        """Each partition task's stage, partition, applied offset and lag in records."""
        return [
            {
                "stage": runner.stage.name,
                "partition": partition,
                "applied": task.applied,
                "lag": await self._lag(topic, partition, task),
            }
            for topic, runner in self._runners.items()
            for partition, task in sorted(runner.tasks.items())
        ]

    async def status(self) -> dict[str, Any]:
        """`ready`, `lanes` (partitions with their offsets and lag), the `books`, and the `alarms`."""
        tasks = await self.tasks()
        drained = self.ready() and all(task["lag"] == 0 for task in tasks)
        return {
            "ready": self.ready(),
            "drained": drained,
            "lanes": tasks,
            "books": await self.accounting(),
            "alarms": [alarm._asdict() for alarm in self._alarms.active()],
        }

    def ready(self) -> bool:
        """Whether the state of every partition assigned to this worker is loaded."""
        assigned = self.assigned()
        return bool(assigned) and all(
            partition in self._runners[topic].tasks for topic, partition in assigned
        )

    async def accounting(self) -> dict[str, int]:
        """Entries in events, of this worker's partition tasks; {} where log or warehouse is away.

        See `pipeline.accounting`. All is counted for one moment: what each partition had applied for good.
        """
        try:
            entries = await self._count_entries()
            for _ in range(ACCOUNTING_TRIES):
                if not entries["difference"]:
                    break  # else a repeat may have replaced its first copy before it was applied
                await asyncio.sleep(ACCOUNTING_PAUSE_SECONDS)
                entries = await self._count_entries()
        except FootfallError as error:
            log.warning("books_not_counted", error=str(error))
            return {}
        for name, value in entries.items():
            self._metrics.accounting.labels(name).set(value)
        return entries

    async def _count_entries(self) -> dict[str, int]:
        applied = {name: self._applied(name) for name in (topics.EVENTS.name, topics.REJECTS.name)}
        params = {
            "topic": topics.EVENTS.name,
            "events": applied[topics.EVENTS.name],
            "rejects": applied[topics.REJECTS.name],
        }
        in_flight = 0
        for topic, offsets in applied.items():
            for partition in self._runners[topic].tasks.keys() & set(range(len(offsets))):
                in_flight += await self._journal.count(topic, partition, offsets[partition] + 1)
        entries = await self._ask("warehouse/books_now", params)
        if entries["held"] > entries["stored"]:
            entries |= await self._ask("warehouse/books_distinct", {"events": params["events"]})
        return balance(entries, in_flight)

    def _applied(self, topic: str) -> list[int]:
        """Of each partition here; −1 where it is not this worker's."""
        tasks = self._runners[topic].tasks
        applied = {partition: task.applied for partition, task in tasks.items()}
        return [applied.get(partition, -1) for partition in range(self._journal.partitions)]

    async def _ask(self, query: str, params: Mapping[str, Any]) -> dict[str, int]:
        ask = partial(self._warehouse.query, sql.load(query), params)
        answer = await asyncio.get_running_loop().run_in_executor(self._accounting_thread, ask)
        return {name: int(value) for name, value in answer.dicts()[0].items()}
