"""A worker's log and warehouse: opened, waited for, and held against each other."""

import asyncio
import shutil
from pathlib import Path
from typing import Final

import structlog

import sql
from pipeline.engine.transports.contract import Journal
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.errors import LogUnavailable, StateDamaged, WarehouseUnavailable
from pipeline.flow import FLOW
from pipeline.masking import mask_url
from pipeline.settings import Settings
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.inventory import Inventory
from pipeline.warehouse.keeper import check_before
from pipeline.warehouse.migrate import migrate
from pipeline.warehouse.reserved import ReservedWarehouse
from schemas.disk_space import Room
from schemas.store_urls import EmbeddedLog, EmbeddedWarehouseUrl, KafkaLog, log_url, warehouse_url

log = structlog.get_logger()

WAREHOUSE_SECONDS: Final = 3.0
"""Between tries at a warehouse that is away."""


def open_warehouse(settings: Settings) -> Warehouse:
    """The engine that FOOTFALL_WAREHOUSE names.

    Raises WarehouseUnavailable, and FolderInUse or FolderUnusable for an embedded one.
    """
    url = warehouse_url(settings.warehouse)
    if isinstance(url, EmbeddedWarehouseUrl):
        from pipeline.warehouse.embedded import EmbeddedWarehouse

        return EmbeddedWarehouse(Path(url.directory), settings.memory_limit_bytes)
    from pipeline.warehouse.server import ServerWarehouse

    return ServerWarehouse(settings.warehouse)


async def open_journal(settings: Settings) -> Journal:
    """The log's writing side; waits for an embedded log's first collector to make the log.

    Raises BadSetting, LogDamaged and StateDamaged, and LogUnavailable where Kafka is away.
    """
    url = log_url(settings.log)
    if isinstance(url, KafkaLog):
        from pipeline.engine.transports.kafka_journal import KafkaJournal

        names = [spec.agent for spec in FLOW]
        return await KafkaJournal.open(
            url.bootstrap, names, settings.partitions, settings.replication
        )
    assert isinstance(url, EmbeddedLog)  # settings take no other
    waiting = False
    while True:
        try:
            return EmbeddedJournal(Path(url.directory))
        except LogUnavailable as error:
            if not waiting:
                log.info("waiting_for_log", reason=str(error))
            waiting = True
            await asyncio.sleep(0.2)


def open_with_reserve(settings: Settings) -> Warehouse:
    """As `open_warehouse`, for what writes: it leaves room on an embedded warehouse's disk."""
    warehouse, url = open_warehouse(settings), warehouse_url(settings.warehouse)
    if not isinstance(url, EmbeddedWarehouseUrl):
        return warehouse
    room, directory = Room(settings.disk_reserve_bytes), url.directory
    return ReservedWarehouse(warehouse, room, lambda: shutil.disk_usage(directory).free)


async def open_and_migrate(
    settings: Settings, log_id: str, before: Inventory | None = None
) -> Warehouse:
    """The warehouse with its tables; waits while it is away.

    Raises StateDamaged where it holds another log's events (versions begin anew with a log, and
    the old log's conclusions would win over the new one's for ever), and where it has not the
    tables that it had `before`.
    """
    name = mask_url(settings.warehouse)
    while True:
        warehouse = None
        try:
            warehouse = await asyncio.to_thread(open_with_reserve, settings)
            await asyncio.to_thread(check_before, warehouse, before, name)
            await asyncio.to_thread(migrate, warehouse)
            foreign = await asyncio.to_thread(
                warehouse.query, sql.load("warehouse/other_log"), {"log_id": log_id}
            )
        except WarehouseUnavailable as error:
            if warehouse is not None:
                warehouse.close()
            log.warning("waiting_for_warehouse", reason=str(error))
            await asyncio.sleep(WAREHOUSE_SECONDS)
            continue
        if foreign.rows:
            warehouse.close()
            raise StateDamaged(
                f"The warehouse {name} belongs to log {foreign.rows[0][0]}, not to log {log_id} at "
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
