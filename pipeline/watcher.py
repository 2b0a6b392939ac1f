"""What the worker knows of itself: how far each lane is, the books, and whether something stands.

The books: events that collectors accepted = stored + deduplicated + rejected + in flight. What
was accepted is the producers' own count on every record; what is in flight is the same count of the
records after each lane's offset.
"""

import asyncio
from collections.abc import Callable, Mapping, Set
from typing import Any, Final

import sql
from pipeline.errors import LogUnavailable, Retryable
from pipeline.metrics import Metrics
from pipeline.runner import Lane, Runner
from pipeline.transports.contract import Journal
from pipeline.warehouse.contract import Warehouse
from schemas import topics

STALLED_SECONDS: Final = 120
"""A lane that is behind and has done nothing for so long ends the worker; whatever starts it again
begins from durable state."""
LOOK_SECONDS: Final = 2.0


class Watcher:
    """Looks at all lanes every LOOK_SECONDS."""

    def __init__(
        self, journal: Journal, runners: Mapping[str, Runner], warehouse: Warehouse,
        metrics: Metrics,
    ) -> None:  # fmt: skip
        self._journal, self._runners = journal, runners
        self._warehouse, self._metrics = warehouse, metrics
        self._moved: dict[tuple[str, int], tuple[int, float]] = {}
        self.assigned: Callable[[], Set[tuple[str, int]]] = frozenset

    async def run(self) -> None:
        """Keep the gauges. Raises TimeoutError when a lane stands still behind a growing log."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for topic, runner in self._runners.items():
                for partition, lane in list(runner.lanes.items()):
                    lag = await self._lag(topic, partition, lane)
                    runner.metrics.lag(partition, lag)
                    self._check(topic, partition, lane.applied, lag)

    def _check(self, topic: str, partition: int, applied: int, lag: int) -> None:
        now, place = asyncio.get_running_loop().time(), (topic, partition)
        before, since = self._moved.get(place, (-2, now))
        if lag == 0 or before != applied:
            self._moved[place] = (applied, now)
        elif now - since > STALLED_SECONDS:
            raise TimeoutError(
                f"{topic}/{partition} stands at offset {applied}, {lag} records behind, for "
                f"{STALLED_SECONDS} s. Ending, to start afresh from durable state."
            )

    async def _lag(self, topic: str, partition: int, lane: Lane) -> int:
        try:
            end = await self._journal.end(topic, partition)
        except LogUnavailable:
            return 0  # retries are counted where they happen; an absent log is no stalled lane
        return max(0, end - 1 - lane.applied)

    async def lanes(self) -> list[dict[str, Any]]:
        """Each lane's stage, partition, applied offset and lag in records."""
        return [
            {
                "stage": runner.stage.name, "partition": partition,
                "applied": lane.applied, "lag": await self._lag(topic, partition, lane),
            }
            for topic, runner in self._runners.items()
            for partition, lane in sorted(runner.lanes.items())
        ]  # fmt: skip

    async def status(self) -> dict[str, Any]:
        """`ready`, `lanes` with their offsets and lag, and the `books`."""
        lanes = await self.lanes()
        drained = all(lane["lag"] == 0 for lane in lanes)
        return {"ready": self.ready(), "drained": drained, "lanes": lanes,
                "books": await self.books()}  # fmt: skip

    def ready(self) -> bool:
        """Whether the state of every partition assigned to this worker is loaded."""
        assigned = self.assigned()
        return bool(assigned) and all(
            partition in self._runners[topic].lanes for topic, partition in assigned
        )

    async def books(self) -> dict[str, int]:
        """Entries in events; `difference` is 0 when the books balance. Of this worker's lanes."""
        in_flight = 0
        for topic in (topics.EVENTS.name, topics.REJECTS.name):
            for partition, lane in list(self._runners[topic].lanes.items()):
                in_flight += await self._journal.count(topic, partition, lane.state.applied + 1)
        try:
            answer = await asyncio.to_thread(self._warehouse.query, sql.load("queries/books_now"))
        except Retryable:
            return {}
        entries = {name: int(value) for name, value in answer.dicts()[0].items()}
        entries["in_flight"] = in_flight
        entries["accepted"] += in_flight
        settled = sum(entries[k] for k in ("stored", "deduplicated", "rejected", "in_flight"))
        entries["difference"] = entries["accepted"] - settled
        for name, value in entries.items():
            self._metrics.books.labels(name).set(value)
        return entries
