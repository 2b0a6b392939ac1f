"""The worker process: opens log and warehouse, runs the agents, answers on HTTP, ends cleanly."""

import asyncio
import gc
import os
import shutil
import signal
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

import structlog

import sql
from pipeline.alarms import Alarm, Alarms
from pipeline.app import App, make_app
from pipeline.clock import SteadyClock, clock
from pipeline.engine.metrics import Metrics
from pipeline.engine.runner import Runner
from pipeline.engine.transports.contract import Journal
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.engine.transports.embedded_points import INVENTORY
from pipeline.errors import (
    FootfallError,
    HalfMerged,
    LogUnavailable,
    Permanent,
    StateDamaged,
    WarehouseUnavailable,
)
from pipeline.flow import FLOW, stages
from pipeline.folder import folders, lock_folders
from pipeline.lag_monitor import LagMonitor
from pipeline.logs import hide
from pipeline.maintenance import (
    check_parts,
    expire,
    keep_inventory,
    keep_parts,
    keep_rollups,
    keep_room,
    limit_rejects,
)
from pipeline.masking import mask_url
from pipeline.memory import return_memory, spare_arenas, watch_state
from pipeline.recovery.rebuild import refuse_unfinished
from pipeline.recovery.tick_check import TickFilter
from pipeline.settings import Settings
from pipeline.stages.delivery.deliverer import Deliverer
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.inventory import Inventory, decode_inventory
from pipeline.warehouse.keeper import Keeper, check_before
from pipeline.warehouse.migrate import migrate
from pipeline.warehouse.reserved import ReservedWarehouse
from pipeline.warehouse.sink import Sink
from pipeline.web.borders import Access
from pipeline.web.server import make_web
from pipeline.web.serving import serve
from schemas import topics
from schemas.disk_space import Room
from schemas.rejects import Reason

log = structlog.get_logger()

START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 30.0
WAREHOUSE_SECONDS: Final = 3.0
DAMAGED_ADVICE: Final = (
    "The disk gives back other bytes than were written: look after it, and see what was lost with "
    f"footfall rejects list --reason {Reason.DAMAGED_RECORD.value}."
)


def open_warehouse(settings: Settings) -> Warehouse:
    """The engine that FOOTFALL_WAREHOUSE names."""
    scheme, _, place = settings.warehouse.partition("://")
    if scheme == "chdb":
        from pipeline.warehouse.embedded import EmbeddedWarehouse

        return EmbeddedWarehouse(Path(place), settings.memory_limit_bytes)
    from pipeline.warehouse.server import ServerWarehouse

    return ServerWarehouse(settings.warehouse)


async def open_journal(settings: Settings) -> Journal:
    """The log's writing side; waits for an embedded log's first collector to make the log."""
    scheme, _, place = settings.log.partition("://")
    if scheme == "kafka":
        from pipeline.engine.transports.kafka_journal import KafkaJournal

        names = [spec.agent for spec in FLOW]
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


def open_with_reserve(settings: Settings) -> Warehouse:
    """The same for what writes: it leaves room on an embedded warehouse's disk."""
    warehouse = open_warehouse(settings)
    scheme, _, place = settings.warehouse.partition("://")
    if scheme != "chdb":
        return warehouse
    room = Room(settings.disk_reserve_bytes)
    return ReservedWarehouse(warehouse, room, lambda: shutil.disk_usage(place).free)


async def open_and_migrate(
    settings: Settings, log_id: str, before: Inventory | None = None
) -> Warehouse:
    """The warehouse with its tables; waits while it is away.

    Raises StateDamaged where it holds another log's events (versions begin anew with a log, and
    the old log's conclusions would win over the new one's for ever), and where it has not the
    tables that it had `before`.
    """
    place = mask_url(settings.warehouse)
    while True:
        warehouse = None
        try:
            warehouse = await asyncio.to_thread(open_with_reserve, settings)
            await asyncio.to_thread(check_before, warehouse, before, place)
            await asyncio.to_thread(migrate, warehouse)
            other = await asyncio.to_thread(
                warehouse.query, sql.load("warehouse/other_log"), {"log_id": log_id}
            )
        except WarehouseUnavailable as error:
            if warehouse is not None:
                warehouse.close()
            log.warning("waiting_for_warehouse", reason=str(error))
            await asyncio.sleep(WAREHOUSE_SECONDS)
            continue
        if other.rows:
            warehouse.close()
            raise StateDamaged(
                f"The warehouse {place} belongs to log {other.rows[0][0]}, not to log {log_id} at "
                f"{mask_url(settings.log)}. Put the right log back, "
                "or use a new warehouse."
            )
        return warehouse


async def check_state(journal: EmbeddedJournal, warehouse: Warehouse) -> None:
    """Raises StateDamaged where the state that made the warehouse's rows is gone.

    Rows come after `begin`, so that a crash at any point is not taken for a loss.
    """
    if not await journal.has_begun():
        params = {"log_id": journal.log_id}
        if (await asyncio.to_thread(warehouse.query, sql.load("warehouse/has_log"), params)).rows:
            raise StateDamaged(
                "work.db is new, but the warehouse has what was concluded with the one before it. "
                "Put that back, or run `footfall rebuild`: it makes both anew from what the log still "
                "holds."
            )
        await journal.begin()


class Worker:
    """Everything of one worker, between `start` and `stop`."""

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
        self._prepared: asyncio.Task[None]
        self.lag_monitor: LagMonitor
        self.keeper: Keeper

    async def open(self) -> None:
        """Open what is outside; nothing is consumed yet, so it may be cancelled at any point.

        The folders come first: a second worker changes nothing in the first one's.
        """
        self._folders.enter_context(lock_folders(*folders(self.settings)))
        for folder in folders(self.settings):
            refuse_unfinished(folder)
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
        self._prepared = asyncio.create_task(self._prepare())
        sink = Sink(self.warehouse, self.journal.log_id)
        for name, stage in stages(self.settings, self.journal.partitions).items():
            metrics = self.metrics.stage(name)
            more = (self.tick_filter.is_ahead,) if stage.source == topics.EVENTS else ()
            self.runners[stage.source.name] = Runner(stage, self.journal, sink, metrics, *more)
        self.lag_monitor = LagMonitor(
            self.journal, self.runners, self.warehouse, self.metrics, self.alarms
        )
        self.app = make_app(self.settings.log, self.runners, self.journal.partitions)
        self.app.on_damage = self._record_damaged
        self.lag_monitor.assigned = self.app.assigned
        access = Access(self.settings.worker_names, self.settings.worker_token)
        application = make_web(
            self.warehouse, self.metrics.registry, self.lag_monitor.status, self._ready, access
        )
        self._web = await serve(application, self.settings.worker_host, self.settings.worker_port)
        _spare_collections()

    def _record_damaged(self, text: str) -> None:
        self.alarms.put(Alarm("log", f"{text}: its lines are rejects", DAMAGED_ADVICE))

    async def _prepare(self) -> None:
        """What fails here fails again, and is told, where somebody asks."""
        with suppress(FootfallError):
            await asyncio.to_thread(self.warehouse.prepare)

    def _ready(self) -> bool:
        return self._prepared.done() and self.lag_monitor.ready()

    async def consume(self) -> None:
        """Let Faust assign partitions. Not to be cancelled: Faust cannot be stopped half started.

        Raises at once what state or log say is wrong with them: Faust itself would go on trying.
        """
        starting = asyncio.create_task(self.app.start())
        await asyncio.wait([starting, self.app.failed], return_when=asyncio.FIRST_COMPLETED)
        (self.app.failed if self.app.failed.done() else starting).result()

    async def ended(self) -> None:
        """Raises when Faust ends by itself."""
        await self.app.wait_until_stopped()
        raise self.app.crash_reason or RuntimeError("Faust stopped by itself.")

    def maintenance_tasks(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the agents until the worker ends; one that raises ends it."""
        settings = self.settings
        tasks = [
            self.ended(),
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
            place = Path(settings.log.partition("://")[2])
            tasks.append(
                expire(self.journal, self.runners, settings.retention_days, self.real, place)
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
        if not self.settings.warehouse.startswith("chdb:"):
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


async def run_worker(settings: Settings) -> int:
    """Run until a signal (0), or a failure that nobody foresaw (1).

    Raises the FootfallError that ended it, once all is closed that can be.
    """
    hide(settings.secrets())
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopped: asyncio.Task[Any] = asyncio.create_task(stop.wait())
    spare_arenas()
    worker = Worker(settings)
    opened: asyncio.Task[Any] = asyncio.create_task(worker.open())
    await asyncio.wait([stopped, opened], return_when=asyncio.FIRST_COMPLETED)
    if not opened.done():
        return 0
    opened.result()
    failed: BaseException | None
    try:
        await asyncio.wait_for(worker.consume(), START_SECONDS)
        place = mask_url(settings.warehouse)
        log.info("worker_started", log=mask_url(settings.log), warehouse=place, pid=os.getpid())
        failed = await _run(worker, stopped)
    except Exception as error:  # noqa: BLE001  # whatever it was, Faust's threads must end
        failed = error
    try:
        await asyncio.wait_for(worker.stop(), STOP_SECONDS)
    except TimeoutError:
        _end(failed)
    except Exception as error:  # noqa: BLE001  # what failed first is what is told
        failed = failed or error
    return _code(failed)


def _code(failed: BaseException | None) -> int:
    """The exit code. Raises what was made on purpose: its text is for people, a bug's is not."""
    cause = _cause(failed)
    if isinstance(cause, FootfallError):
        raise cause
    if failed:
        log.error("worker_failed", error=str(failed), kind=type(failed).__name__, exc_info=failed)
    return 1 if failed else 0


def _cause(failed: BaseException | None) -> BaseException | None:
    """Faust may wrap what a task raised. What was merely under way when a bug struck is none of it."""
    found = failed
    while found is not None and not isinstance(found, FootfallError):
        found = found.__cause__
    return found or failed


def _end(failed: BaseException | None) -> NoReturn:
    """End at once, whatever still hangs: nothing durable is lost by it."""
    code = 2 if isinstance(cause := _cause(failed), Permanent) else 1
    log.error("not_stopped_in_time", seconds=STOP_SECONDS, error=str(cause or ""))
    os._exit(code)


async def _run(worker: Worker, stopped: asyncio.Task[Any]) -> BaseException | None:
    """Until a signal (None) or the first failure."""
    maintenance = [asyncio.create_task(task) for task in worker.maintenance_tasks()]
    failures = [runner.failed for runner in worker.runners.values()]
    ends: list[Any] = [stopped, *maintenance, worker.app.failed, *failures]
    done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in maintenance:
        task.cancel()
    return next((e for end in done if end is not stopped and (e := end.exception())), None)
