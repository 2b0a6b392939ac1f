"""The worker process: opens log and warehouse, runs the agents, answers on HTTP, ends cleanly."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from pipeline.app import App, make_app
from pipeline.errors import LogUnavailable
from pipeline.flow import FLOW, stages
from pipeline.metrics import Metrics
from pipeline.runner import Runner
from pipeline.settings import Settings
from pipeline.transports.contract import Journal
from pipeline.transports.embedded_journal import EmbeddedJournal
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.migrate import migrate
from pipeline.warehouse.sink import Sink

log = structlog.get_logger()

STALLED_SECONDS: Final = 120
"""A lane that is behind and has done nothing for so long ends the worker; whatever starts it again
begins from durable state."""
_LOOK_SECONDS: Final = 2.0


def open_warehouse(settings: Settings) -> Warehouse:
    """The engine that FOOTFALL_WAREHOUSE names."""
    scheme, _, place = settings.warehouse.partition("://")
    if scheme == "chdb":
        from pipeline.warehouse.embedded import EmbeddedWarehouse

        return EmbeddedWarehouse(Path(place), settings.memory_limit)
    from pipeline.warehouse.server import ServerWarehouse

    return ServerWarehouse(settings.warehouse)


async def open_journal(settings: Settings) -> Journal:
    """The log's writing side; waits for an embedded log's first collector to make the log."""
    scheme, _, place = settings.log.partition("://")
    if scheme == "kafka":
        from pipeline.transports.kafka_journal import KafkaJournal

        names = [leg.agent for leg in FLOW]
        return await KafkaJournal.open(place, names, settings.partitions, settings.replication)
    waiting = False
    while True:
        try:
            return EmbeddedJournal(Path(place))
        except LogUnavailable as error:
            if not waiting:
                log.info("waiting_for_log", reason=str(error))
            waiting = True
            await asyncio.sleep(0.2)


class Worker:
    """Everything of one worker, between `start` and `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.metrics = settings, Metrics()
        self.warehouse: Warehouse
        self.journal: Journal
        self.runners: dict[str, Runner] = {}
        self.app: App

    async def start(self) -> None:
        """Open what is outside, then let Faust assign partitions."""
        self.journal = await open_journal(self.settings)
        self.warehouse = await asyncio.to_thread(open_warehouse, self.settings)
        await asyncio.to_thread(migrate, self.warehouse)
        sink = Sink(self.warehouse, self.journal.log_id)
        for name, stage in stages(self.settings).items():
            metrics = self.metrics.stage(name)
            self.runners[stage.source.name] = Runner(stage, self.journal, sink, metrics)
        self.app = make_app(self.settings.log, self.runners, self.journal.partitions)
        await self.app.start()

    async def stop(self) -> None:
        """End lanes after their batch, then Faust, then the files."""
        for runner in self.runners.values():
            for partition in list(runner.lanes):
                await runner.revoke(partition)
        await self.app.stop()
        await self.journal.close()
        self.warehouse.close()

    async def watch(self) -> None:
        """Keep the lag gauges; raise when a lane stands still behind a growing log."""
        loop = asyncio.get_running_loop()
        moved: dict[tuple[str, int], tuple[int, float]] = {}
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for topic, runner in self.runners.items():
                for partition, lane in list(runner.lanes.items()):
                    applied, place = lane.state.applied, (topic, partition)
                    lag = await self._lag(topic, partition, applied)
                    runner.metrics.lag(partition, lag)
                    if lag == 0 or moved.get(place, (-2, 0.0))[0] != applied:
                        moved[place] = (applied, loop.time())
                    elif loop.time() - moved[place][1] > STALLED_SECONDS:
                        raise TimeoutError(
                            f"{runner.stage.name}/{partition} stands at offset {applied}, {lag} "
                            f"records behind, for {STALLED_SECONDS} s. Ending to start afresh."
                        )

    async def _lag(self, topic: str, partition: int, applied: int) -> int:
        try:
            return max(0, await self.journal.end(topic, partition) - 1 - applied)
        except LogUnavailable:
            return 0  # retries are counted where they happen; an absent log is no stalled lane


async def run_worker(settings: Settings) -> int:
    """Run until a signal (0) or a failure that a restart may cure (1)."""
    worker = Worker(settings)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    waits: list[asyncio.Task[Any]] = [
        asyncio.create_task(stop.wait()),
        asyncio.create_task(worker.start()),
    ]
    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    if waits[0] in done:
        return 0
    waits[1].result()
    log.info("worker_started", log=settings.log, warehouse=settings.warehouse, pid=os.getpid())
    failures = [asyncio.ensure_future(runner.failed) for runner in worker.runners.values()]
    watch = asyncio.create_task(worker.watch())
    ends: list[Any] = [waits[0], watch, *failures]
    done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    failed = next((e for end in done if end is not waits[0] and (e := end.exception())), None)
    if failed:
        log.error("worker_failed", error=str(failed), kind=type(failed).__name__)
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(worker.stop(), 30)
    return 1 if failed else 0
