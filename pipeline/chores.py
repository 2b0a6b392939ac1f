"""What a worker does now and then: bring rollups up to date, drop old records and rejects."""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from pipeline.clock import wall
from pipeline.errors import FootfallError, Retryable
from pipeline.runner import Runner
from pipeline.transports.embedded_journal import EmbeddedJournal
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.rejects import trim_rejects
from pipeline.warehouse.rollups import Rollups
from schemas import topics

log = structlog.get_logger()

ROLLUP_SECONDS: Final = 1.0
"""The first pause; the later ones grow with what a refresh took."""
EXPIRE_SECONDS: Final = 60.0
EXPIRE_RECORDS: Final = 200
"""Records deleted in one transaction: collectors and lanes wait no longer than for that."""
EXPIRE_PAUSE_SECONDS: Final = 0.05
DAY_MS: Final = 86_400_000
REJECTS_SECONDS: Final = 600.0
"""Between looks at the rejects: they cannot grow by much meanwhile, see `collectors.keeping`."""


async def keep_rollups(warehouse: Warehouse, runners: Mapping[str, Runner]) -> None:
    """Rebuild touched buckets, on the one worker that has partition 0 of the events."""
    rollups: Rollups | None = None
    pause = ROLLUP_SECONDS
    while True:
        await asyncio.sleep(pause)
        if 0 not in runners[topics.EVENTS.name].lanes:
            continue
        try:
            if rollups is None:
                rollups = await asyncio.to_thread(Rollups, warehouse)
            pause = await asyncio.to_thread(rollups.refresh)
        except FootfallError as error:
            log.warning("rollups_put_off", error=str(error))


async def limit_rejects(warehouse: Warehouse, runners: Mapping[str, Runner], limit: int) -> None:
    """Delete the oldest rejects beyond `limit` bytes, on the one worker that has partition 0."""
    while True:
        if 0 in runners[topics.REJECTS.name].lanes:
            try:
                if freed := await asyncio.to_thread(trim_rejects, warehouse, limit):
                    log.warning("rejects_deleted", freed_bytes=freed, limit_bytes=limit)
            except FootfallError as error:
                log.warning("rejects_not_limited", error=str(error))
        await asyncio.sleep(REJECTS_SECONDS)


async def expire(journal: EmbeddedJournal, runners: Mapping[str, Runner], days: int) -> None:
    """Delete records that are folded in and older than `days`."""
    while True:
        await asyncio.sleep(EXPIRE_SECONDS)
        before = wall() - days * DAY_MS
        for topic, runner in runners.items():
            for partition, lane in list(runner.lanes.items()):
                await _expire(journal, (topic, partition), lane.applied + 1, before)


async def _expire(
    journal: EmbeddedJournal, place: tuple[str, int], below: int, before: int
) -> None:
    deleted = EXPIRE_RECORDS
    try:
        while deleted >= EXPIRE_RECORDS:
            deleted = await journal.expire(*place, below, before, EXPIRE_RECORDS, wall())
            await asyncio.sleep(EXPIRE_PAUSE_SECONDS)
    except Retryable as error:
        log.warning("expiry_put_off", topic=place[0], error=str(error))
