"""All that one worker process has (log, warehouse, runners, maintenance, pages), begun and ended in order."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, Final

import sql
from pipeline.alarms import Alarm, Alarms
from pipeline.app import App, make_app
from pipeline.clock import SteadyClock, clock
from pipeline.engine.metrics import Metrics
from pipeline.engine.runner import Runner
from pipeline.engine.transports.contract import Journal
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.engine.transports.embedded_points import INVENTORY
from pipeline.errors import FootfallError, HalfMerged
from pipeline.flow import stages
from pipeline.folder import folders, lock_folders
from pipeline.lag_monitor import LagMonitor
from pipeline.maintenance import (
    check_parts,
    expire,
    keep_inventory,
    keep_parts,
    keep_rollups,
    keep_room,
    limit_rejects,
)
from pipeline.memory import return_memory, watch_state
from pipeline.recovery.rebuild import refuse_unfinished
from pipeline.recovery.tick_check import TickFilter
from pipeline.settings import Settings
from pipeline.stages.delivery.deliverer import Deliverer
from pipeline.stores import check_state, open_and_migrate, open_journal
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.inventory import decode_inventory
from pipeline.warehouse.keeper import Keeper
from pipeline.warehouse.sink import Sink
from pipeline.web.borders import Access
from pipeline.web.server import make_web
from pipeline.web.serving import serve
from schemas import topics
from schemas.rejects import Reason

DAMAGED_ADVICE: Final = (
    "The disk gives back other bytes than were written: look after it, and see what was lost with "
    f"footfall rejects list --reason {Reason.DAMAGED_RECORD.value}."
)


class Worker:
    """Everything of one worker, from `open` to `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.metrics = settings, Metrics()
        self.alarms = Alarms(self.metrics.alarm)
        self.real = SteadyClock()
        self.tick_filter = TickFilter(clock(settings.clock, self.real), self.alarms)
        self.warehouse: Warehouse
        self.journal: Journal
        self.runners: dict[str, Runner] = {}
        self.app: App
        self._web: Any = None  # aiohttp's runner
        self._folders = ExitStack()
        self._preparing: asyncio.Task[None]
        self.lag_monitor: LagMonitor
        self.keeper: Keeper

    async def open(self) -> None:
        """Open what is outside; nothing is consumed yet, so it may be cancelled at any point.

        Raises what its folders, its log and its warehouse raise; waits for those that are away.
        The folders come first: a second worker changes nothing in the first one's.
        """
        self._folders.enter_context(lock_folders(*folders(self.settings)))
        for folder in folders(self.settings):
            refuse_unfinished(folder)
        await self._open_stores()
        self._preparing = asyncio.create_task(self._prepare())
        self._make_runners()
        self.lag_monitor = LagMonitor(
            self.journal, self.runners, self.warehouse, self.metrics, self.alarms
        )
        self.app = make_app(self.settings.log, self.runners, self.journal.partitions)
        self.app.on_damage = self._record_damaged
        self.lag_monitor.assigned = self.app.assigned
        await self._serve()
        _spare_collections()

    async def _open_stores(self) -> None:
        self.journal = await open_journal(self.settings)
        before = None
        if isinstance(self.journal, EmbeddedJournal) and await self.journal.has_begun():
            before = decode_inventory(await self.journal.fact(INVENTORY))
        self.warehouse = await open_and_migrate(self.settings, self.journal.log_id, before)
        if isinstance(self.journal, EmbeddedJournal):
            await check_state(self.journal, self.warehouse)
        self.keeper = await asyncio.to_thread(Keeper, self.warehouse, self.alarms, before)
        if self.keeper.embedded:
            await keep_inventory(self.keeper, self.journal)

    def _make_runners(self) -> None:
        sink = Sink(self.warehouse, self.journal.log_id)
        for name, stage in stages(self.settings, self.journal.partitions).items():
            filters = (self.tick_filter.is_ahead,) if stage.source == topics.EVENTS else ()
            self.runners[stage.source.name] = Runner(
                stage, self.journal, sink, self.metrics.stage(name), *filters
            )

    async def _serve(self) -> None:
        access = Access(self.settings.worker_names, self.settings.worker_token)
        application = make_web(
            self.warehouse, self.metrics.registry, self.lag_monitor.status, self._ready, access
        )
        self._web = await serve(application, self.settings.worker_host, self.settings.worker_port)

    def _record_damaged(self, text: str) -> None:
        self.alarms.put(Alarm("log", f"{text}: its lines are rejects", DAMAGED_ADVICE))

    async def _prepare(self) -> None:
        """What fails here fails again, and is told, where somebody asks."""
        with suppress(FootfallError):
            await asyncio.to_thread(self.warehouse.prepare)

    def _ready(self) -> bool:
        return self._preparing.done() and self.lag_monitor.ready()

    async def consume(self) -> None:
        """Let Faust assign partitions. Not to be cancelled: Faust cannot be stopped half started.

        Raises at once what state or log say is wrong with them: Faust itself would go on trying.
        """
        starting = asyncio.create_task(self.app.start())
        await asyncio.wait([starting, self.app.failed], return_when=asyncio.FIRST_COMPLETED)
        (self.app.failed if self.app.failed.done() else starting).result()

    async def wait_ended(self) -> None:
        """Raises when Faust ends by itself."""
        await self.app.wait_until_stopped()
        raise self.app.crash_reason or RuntimeError("Faust stopped by itself.")

    def maintenance_tasks(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the agents until the worker ends; one that raises ends it."""
        settings = self.settings
        tasks = [
            self.wait_ended(),
            self.lag_monitor.run(),
            keep_rollups(self.warehouse, self.runners),
            watch_state(self.runners, self.metrics, self.alarms, settings.state_limit_bytes),
            return_memory(self._purge()),
            limit_rejects(self.warehouse, self.runners, settings.rejects_limit_bytes),
            keep_room(self.keeper),
            keep_parts(self.keeper, self.journal),
            check_parts(self.keeper),
        ]
        if isinstance(self.journal, EmbeddedJournal):
            (folder, *_) = folders(settings)
            tasks.append(
                expire(self.journal, self.runners, settings.retention_days, self.real, folder)
            )
        if settings.webhook_url:
            delivery = self.runners[topics.TRIGGERS.name]
            deliverer = Deliverer(
                delivery, settings.webhook_url, settings.webhook_secret, self.real
            )
            tasks.append(deliverer.run())
        return tasks

    def _purge(self) -> Callable[[], None] | None:
        """How an engine in this process gives memory back; None for a server."""
        if not self.keeper.embedded:
            return None
        return partial(self.warehouse.execute, sql.load("warehouse/purge"))

    async def stop(self) -> None:
        """End partition tasks after their batch, then Faust, then the files."""
        tasks = [(r, partition) for r in self.runners.values() for partition in r.tasks]
        await asyncio.gather(*(runner.revoke(partition) for runner, partition in tasks))
        await self.app.stop()
        if self._web is not None:
            await self._web.cleanup()
        if self.keeper.embedded:
            with suppress(FootfallError, HalfMerged):
                await keep_inventory(self.keeper, self.journal)
        await self.journal.close()
        self.warehouse.close()
        self._folders.close()


def _spare_collections() -> None:
    """Look for cycles less often: rows and state have none, and passing over them took a sixth.

    What the imports made stays for ever and is no longer looked at.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
