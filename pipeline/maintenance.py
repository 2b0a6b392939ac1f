"""What a worker does now and then: rollups, old records and rejects, the warehouse's disk and parts."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Final

import structlog

from pipeline.clock import Clock
from pipeline.engine.runner import Runner
from pipeline.engine.transports.contract import Journal
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.engine.transports.embedded_points import (
    INVENTORY,
    Applied,
    applied_in,
    make_point,
    points,
)
from pipeline.errors import FootfallError, Retryable
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.keeper import Keeper
from pipeline.warehouse.rejects import trim_rejects
from pipeline.warehouse.rollups import Rollups
from schemas import topics
from schemas.time_units import DAY_MS

log = structlog.get_logger()

ROLLUP_SECONDS: Final = 1.0
"""The first pause; the later ones grow with what a refresh took."""
EXPIRE_SECONDS: Final = 60.0
EXPIRE_RECORDS: Final = 200
"""Records deleted in one transaction: collectors and partition tasks wait no longer than for that."""
EXPIRE_PAUSE_SECONDS: Final = 0.05
REJECTS_SECONDS: Final = 600.0
"""Between looks at the rejects: they cannot grow by much meanwhile, see `producers.reject_quota`."""

ROOM_SECONDS: Final = 0.5
PARTS_SECONDS: Final = 5.0
"""Between looks at the parts; a look takes some 5 ms."""
SERVER_SECONDS: Final = 60.0
"""The same of a ClickHouse server's."""
CHECK_AFTER_SECONDS: Final = 20.0
CHECK_EACH_SECONDS: Final = 86_400.0
CHECK_SHARE: Final = 49.0
"""Pauses between parts are this many times as long as reading the last one: 2 % of a core."""


async def keep_room(keeper: Keeper) -> None:
    """Stop merges while the disk is short of room."""
    while True:
        try:
            await asyncio.to_thread(keeper.watch_room)
        except FootfallError as error:
            log.warning("room_not_looked_at", error=str(error))
        await asyncio.sleep(ROOM_SECONDS)


async def keep_parts(keeper: Keeper, journal: Journal) -> None:
    """Look for parts that are lost or not whole; keep the inventory. Raises HalfMerged."""
    stored = ""
    while True:
        try:
            stored = await keep_inventory(keeper, journal, stored)
        except FootfallError as error:
            log.warning("parts_not_looked_at", error=str(error))
        await asyncio.sleep(PARTS_SECONDS if keeper.embedded else SERVER_SECONDS)


async def keep_inventory(keeper: Keeper, journal: Journal, stored: str = "") -> str:
    """One look; the inventory, which is written where it is not `stored` already."""
    inventory = (await asyncio.to_thread(keeper.look)).encode()
    if isinstance(journal, EmbeddedJournal) and inventory != stored:
        await journal.set_fact(INVENTORY, inventory)
    return inventory


async def check_parts(keeper: Keeper) -> None:
    """Read all parts once a day, and compare their checksums."""
    await asyncio.sleep(CHECK_AFTER_SECONDS)
    while True:
        began = monotonic()
        try:
            await asyncio.to_thread(keeper.report_strange_columns)
            parts = await asyncio.to_thread(keeper.active)
            for part in parts:
                took = await asyncio.to_thread(keeper.check, part)
                await asyncio.sleep(took * CHECK_SHARE)
        except FootfallError as error:
            log.warning("parts_not_checked", error=str(error))
        await asyncio.sleep(max(0.0, began + CHECK_EACH_SECONDS - monotonic()))


async def keep_rollups(warehouse: Warehouse, runners: Mapping[str, Runner]) -> None:
    """Rebuild touched buckets, on the one worker that has partition 0 of the events."""
    rollups: Rollups | None = None
    pause = ROLLUP_SECONDS
    while True:
        await asyncio.sleep(pause)
        if 0 not in runners[topics.EVENTS.name].tasks:
            continue
        try:
            if rollups is None:
                rollups = await asyncio.to_thread(Rollups, warehouse)
            pause = await asyncio.to_thread(rollups.refresh)
        except FootfallError as error:
            log.warning("rollups_put_off", error=str(error))


async def limit_rejects(
    warehouse: Warehouse, runners: Mapping[str, Runner], limit_bytes: int
) -> None:
    """Delete the oldest rejects beyond `limit_bytes`, on the one worker that has partition 0."""
    while True:
        if 0 in runners[topics.REJECTS.name].tasks:
            try:
                if freed := await asyncio.to_thread(trim_rejects, warehouse, limit_bytes):
                    log.warning("rejects_deleted", freed_bytes=freed, limit_bytes=limit_bytes)
            except FootfallError as error:
                log.warning("rejects_not_limited", error=str(error))
        await asyncio.sleep(REJECTS_SECONDS)


async def expire(
    journal: EmbeddedJournal, runners: Mapping[str, Runner], days: int, clock: Clock, folder: Path
) -> None:
    """Delete records that are folded in, older than `days`, and needed by no restore point.

    A restore point is made every half of `days`, so the older one is younger than they are.
    """
    while True:
        await asyncio.sleep(EXPIRE_SECONDS)
        now_ms = clock()
        try:
            await asyncio.to_thread(_keep_points, folder, runners, now_ms, days * DAY_MS // 2)
            restorable = await asyncio.to_thread(_restorable, folder)
        except FootfallError as error:
            log.warning("restore_point_put_off", error=str(error))
            continue
        for topic, runner in runners.items():
            for partition, task in list(runner.tasks.items()):
                below = min(task.applied, restorable.get((runner.stage.name, partition), -1)) + 1
                await _expire(journal, (topic, partition), below, days, now_ms)


def _keep_points(
    folder: Path, runners: Mapping[str, Runner], now_ms: int, interval_ms: int
) -> None:
    """A new restore point where the newest is too old, or of a time that is still to come."""
    newest = next(
        (point.time_ms for point in reversed(points(folder)) if point.time_ms <= now_ms), None
    )
    if newest is None or newest <= now_ms - interval_ms:
        readers = {topic: runner.stage.name for topic, runner in runners.items()}
        point = make_point(folder, readers, now_ms)
        log.info("restore_point_made", path=str(point.path))


def _restorable(folder: Path) -> Applied:
    """What the oldest restore point has folded in: records behind it are needed."""
    existing = points(folder)
    return applied_in(existing[0].path) if existing else {}


async def _expire(
    journal: EmbeddedJournal, key: tuple[str, int], below: int, days: int, now_ms: int
) -> None:
    before_ms = now_ms - days * DAY_MS
    deleted = EXPIRE_RECORDS
    try:
        while deleted >= EXPIRE_RECORDS:
            deleted = await journal.expire(*key, below, before_ms, EXPIRE_RECORDS, now_ms)
            await asyncio.sleep(EXPIRE_PAUSE_SECONDS)
    except Retryable as error:
        log.warning("expiry_put_off", topic=key[0], error=str(error))
