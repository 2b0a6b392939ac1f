"""The worker process: opens log and warehouse, runs the agents, answers on HTTP, ends cleanly."""

import asyncio
import gc
import os
import signal
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from pipeline.app import App, make_app
from pipeline.chores import expire, keep_rollups
from pipeline.clock import wall
from pipeline.errors import LogUnavailable
from pipeline.flow import FLOW, stages
from pipeline.metrics import Metrics
from pipeline.runner import Runner
from pipeline.settings import Settings
from pipeline.transports.contract import Journal
from pipeline.transports.embedded_journal import EmbeddedJournal
from pipeline.triggers.deliverer import Deliverer
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.migrate import migrate
from pipeline.warehouse.sink import Sink
from pipeline.watcher import Watcher
from pipeline.web.server import make_web
from pipeline.web.serving import serve
from schemas import topics

log = structlog.get_logger()


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
        self._web: Any = None  # aiohttp's runner
        self.watcher: Watcher

    async def start(self) -> None:
        """Open what is outside, then consume."""
        self.journal = await open_journal(self.settings)
        self.warehouse = await asyncio.to_thread(open_warehouse, self.settings)
        await asyncio.to_thread(migrate, self.warehouse)
        sink = Sink(self.warehouse, self.journal.log_id)
        for name, stage in stages(self.settings).items():
            metrics = self.metrics.stage(name)
            self.runners[stage.source.name] = Runner(stage, self.journal, sink, metrics)
        self.watcher = Watcher(self.journal, self.runners, self.warehouse, self.metrics)
        self.app = make_app(self.settings.log, self.runners, self.journal.partitions)
        application = make_web(self.warehouse, self.metrics.registry, self.watcher.status)
        self._web = await serve(application, self.settings.host, self.settings.worker_port)
        _spare_collections()
        await self.consume()

    async def consume(self) -> None:
        """Everything is open: let Faust assign partitions."""
        await self.app.start()

    def chores(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the agents until the worker ends; one that raises ends it."""
        settings = self.settings
        found = [self.watcher.run(), keep_rollups(self.warehouse, self.runners)]
        if isinstance(self.journal, EmbeddedJournal):
            found.append(expire(self.journal, self.runners, settings.retention_days))
        if settings.webhook_url:
            delivery = self.runners[topics.TRIGGERS.name]
            deliverer = Deliverer(delivery, settings.webhook_url, settings.webhook_secret, wall)
            found.append(deliverer.run())
        return found

    async def stop(self) -> None:
        """End lanes after their batch, then Faust, then the files."""
        for runner in self.runners.values():
            for partition in list(runner.lanes):
                await runner.revoke(partition)
        if self._web is not None:
            await self._web.cleanup()
        await self.app.stop()
        await self.journal.close()
        self.warehouse.close()


def _spare_collections() -> None:
    """Look for cycles less often: rows and state have none, and passing over them took a sixth.

    What the imports made stays for ever and is no longer looked at.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


async def run_worker(settings: Settings) -> int:
    """Run until a signal (0) or a failure that a restart may cure (1)."""
    worker = Worker(settings)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopped: asyncio.Task[Any] = asyncio.create_task(stop.wait())
    started: asyncio.Task[Any] = asyncio.create_task(worker.start())
    await asyncio.wait([stopped, started], return_when=asyncio.FIRST_COMPLETED)
    if not started.done():
        return 0
    started.result()
    log.info("worker_started", log=settings.log, warehouse=settings.warehouse, pid=os.getpid())
    chores = [asyncio.create_task(chore) for chore in worker.chores()]
    ends: list[Any] = [stopped, *chores, *(runner.failed for runner in worker.runners.values())]
    done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    failed = next((e for end in done if end is not stopped and (e := end.exception())), None)
    if failed:
        log.error("worker_failed", error=str(failed), kind=type(failed).__name__)
    for chore in chores:
        chore.cancel()
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(worker.stop(), 30)
    return 1 if failed else 0
