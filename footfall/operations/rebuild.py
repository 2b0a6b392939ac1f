"""Runs a rebuild, tells how far it is, and what it could not bring back."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from footfall.operations.log_fold import replay
from pipeline.alarms import Alarms
from pipeline.clock import SteadyClock, clock
from pipeline.engine.metrics import Metrics
from pipeline.engine.runner import Runner
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.engine.transports.embedded_points import inbox_of
from pipeline.flow import stages
from pipeline.recovery import rebuild
from pipeline.recovery.fast_ticks import Stretch
from pipeline.recovery.tick_check import TickFilter
from pipeline.settings import Settings
from pipeline.stores import open_warehouse
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.migrate import migrate
from pipeline.warehouse.rollups import Rollups
from pipeline.warehouse.sink import Sink
from schemas import topics


class Prospect(NamedTuple):
    """What a rebuild would do, or goes on with."""

    folder: Path
    plan: rebuild.Plan
    ahead: list[Stretch]
    resumed: bool


class Outcome(NamedTuple):
    """What was done. `missing`: events of before the restore point that no log has any more."""

    records: int
    ticks: int
    results: int
    missing: int
    aside: str


def look(settings: Settings) -> Prospect:
    """Changes nothing. Raises BadSetting (Kafka, no log) and LogDamaged."""
    folder = rebuild.folder_of(settings)
    if (plan := rebuild.unfinished_plan(folder)) is not None:
        return Prospect(folder, plan, [], True)
    ahead = rebuild.fast_tick_stretches(folder, clock(settings.clock)())
    return Prospect(folder, rebuild.plan(folder, ahead), ahead, False)


def run(settings: Settings, found: Prospect, tell: Callable[[int, int], None]) -> Outcome:
    """All steps that are still to be done. `tell` hears of records folded, and of all."""
    folder, plan = found.folder, found.plan
    if not found.resumed:
        rebuild.write_plan(folder, plan)
    if not plan.prepared:
        rebuild.prepare(folder, plan, settings, lambda: _opened(settings))
    warehouse = _opened(settings)
    try:
        records = asyncio.run(_fold(settings, found, warehouse, tell))
        _roll_up(warehouse)
        applied = rebuild.applied_of(folder, plan)
        removed = rebuild.missing(warehouse, inbox_of(folder).log_id, applied)
    finally:
        warehouse.close()
    rebuild.finish(folder)
    ticks = sum(map(len, plan.spoilt.values()))
    return Outcome(records, ticks, len(plan.results), removed, plan.aside)


def _opened(settings: Settings) -> Warehouse:
    warehouse = open_warehouse(settings)
    migrate(warehouse)
    return warehouse


async def _fold(
    settings: Settings, found: Prospect, warehouse: Warehouse, tell: Callable[[int, int], None]
) -> int:
    journal = EmbeddedJournal(found.folder)
    sink = Sink(warehouse, journal.log_id)
    folded_events = 0

    def counted(folded: int, interval: int) -> None:
        nonlocal folded_events
        folded_events = interval
        tell(folded, interval)

    try:
        await journal.begin()
        await replay(journal, _runners(settings, journal, sink), counted)
        await journal.append_once(f"rebuilt {found.plan.begun}", found.plan.results)
        await replay(journal, _runners(settings, journal, sink), counted)
    finally:
        sink.close()
        await journal.close()
    return folded_events


def _runners(settings: Settings, journal: EmbeddedJournal, sink: Sink) -> dict[str, Runner]:
    metrics = Metrics()
    ticks = TickFilter(clock(settings.clock, SteadyClock()), Alarms())
    matches: dict[str, Runner] = {}
    for name, stage in stages(settings, journal.partitions).items():
        extra: tuple[Any, ...] = (ticks.is_ahead,) if stage.source == topics.EVENTS else ()
        matches[stage.source.name] = Runner(stage, journal, sink, metrics.stage(name), *extra)
    return matches


def _roll_up(warehouse: Warehouse) -> None:
    Rollups(warehouse).refresh()
