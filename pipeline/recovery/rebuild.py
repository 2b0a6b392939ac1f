"""`footfall rebuild`: the warehouse and the state once more, from the log and from a restore point.

1  plan      which state to go on from, which ticks to take out            `plan`
2  note      all of that in rebuild.json: from here on it is resumed, and no worker starts
3  ticks     those of clocks that ran ahead lose their time                `embedded_repair.take_out`
4  rows      what lies after the state goes, or the warehouse is moved aside
5  state     work.db is the restore point, or begins anew                  `embedded_points.put_back`
6  replay    the worker's own runners fold the log                         `footfall.operations.log_fold`
7  results   of deliveries come behind their triggers, once; the note goes

Each step may be done again, so it may be killed anywhere.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

import sql
from pipeline.clock import wall
from pipeline.engine.transports.embedded_points import (
    Applied,
    Inbox,
    applied_in,
    inbox_of,
    points,
    put_back,
    sync,
)
from pipeline.engine.transports.embedded_repair import results_of, take_out, ticks_of
from pipeline.errors import BadSetting, FootfallError, LogDamaged, StateDamaged
from pipeline.flow import FLOW
from pipeline.recovery.fast_ticks import Stretch, stretches
from pipeline.settings import Settings
from pipeline.warehouse.contract import Warehouse
from schemas import topics
from schemas.log_records import Append
from schemas.logfile import INBOX
from schemas.rows import BY_NAME
from schemas.store_urls import EmbeddedLog, EmbeddedWarehouseUrl, log_url, warehouse_url

NOTE: Final = "rebuild.json"
DERIVED_TABLES: Final = ("minutes", "page_hours", "rollup_marks")

EVENTS_SPEC: Final = next(spec for spec in FLOW if spec.reads == topics.EVENTS)


class Plan(Struct):
    """What a rebuild does. `point`: a restore point's file name; "": the log is whole, all is made anew.

    `spoilt`: by partition, offsets of ticks to be taken out. `results` are put behind the replay.
    `aside`: what the warehouse's folder is called from then on. `prepared`: up to step 5.
    """

    begun: int
    point: str
    spoilt: dict[int, list[int]]
    results: list[Append]
    results_whole: bool
    aside: str = ""
    prepared: bool = False


def folder_of(settings: Settings) -> Path:
    """The log's folder. Raises BadSetting where it is not an embedded one."""
    log = log_url(settings.log)
    if not isinstance(log, EmbeddedLog):
        raise BadSetting(
            "The log is on Kafka: stop the workers, delete the topics footfall-*-deltas, "
            "footfall-*-snapshots, footfall-customers, footfall-pages and footfall-triggers, empty the "
            "database, and start them: they fold what Kafka still holds."
        )
    folder = Path(log.directory)
    if not (folder / INBOX).exists():
        raise BadSetting(f"{folder} has no {INBOX}: set FOOTFALL_LOG as `footfall up` has it.")
    return folder


def refuse_unfinished(folder: Path) -> None:
    """Raises StateDamaged where a rebuild was begun and has not ended."""
    if (folder / NOTE).exists():
        raise StateDamaged(
            f"A rebuild of {folder} was begun and has not ended: go on with `footfall rebuild --yes`."
        )


def unfinished_plan(folder: Path) -> Plan | None:
    """The plan of a rebuild that has not ended."""
    path = folder / NOTE
    return msgspec.json.decode(path.read_bytes(), type=Plan) if path.exists() else None


def write_plan(folder: Path, plan: Plan) -> None:
    """Durable on return."""
    partial = folder / f"{NOTE}.part"
    with partial.open("wb") as file:
        file.write(msgspec.json.encode(plan))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / NOTE)
    sync(folder)


def finish(folder: Path) -> None:
    """It has ended: workers may start."""
    (folder / NOTE).unlink()
    sync(folder)


def fast_tick_stretches(folder: Path, now_ms: int) -> list[Stretch]:
    """Ticks of clocks that ran ahead, in all partitions."""
    return [
        stretch
        for partition, ticks in sorted(ticks_of(folder).items())
        for stretch in stretches(partition, ticks, now_ms)
    ]


def plan(folder: Path, ahead: list[Stretch]) -> Plan:
    """Raises LogDamaged where the log has lost its beginning and there is no restore point."""
    point = None if inbox_of(folder).complete else _usable(folder)
    results, complete = results_of(folder, point)
    offsets: dict[int, list[int]] = {}
    for stretch in ahead:
        offsets.setdefault(stretch.partition, []).extend(stretch.offsets)
    return Plan(wall(), point.name if point else "", offsets, results, complete)


def _usable(folder: Path) -> Path:
    for point in points(folder):
        try:
            applied_in(point.path)
        except FootfallError:
            continue
        return point.path
    raise LogDamaged(
        f"{folder} holds no record from its beginning any more, and no restore point can be read: put "
        "the whole folder back from a copy, or move folder and warehouse away and begin anew."
    )


def prepare(folder: Path, plan: Plan, settings: Settings, open_: Callable[[], Warehouse]) -> None:
    """Steps 3 to 5. `open_` opens the warehouse, with its tables."""
    for partition, offsets in plan.spoilt.items():
        take_out(folder, partition, offsets)
    warehouse = warehouse_url(settings.warehouse)
    if isinstance(warehouse, EmbeddedWarehouseUrl) and (plan.aside or not plan.point):
        _move_aside(folder, plan, Path(warehouse.directory))
    else:
        try:
            _delete_rows(open_, inbox_of(folder), applied_of(folder, plan))
        except FootfallError:
            if not isinstance(warehouse, EmbeddedWarehouseUrl):
                raise
            _move_aside(folder, plan, Path(warehouse.directory))
    put_back(folder, folder / plan.point if plan.point else None)
    plan.prepared = True
    write_plan(folder, plan)


def applied_of(folder: Path, plan: Plan) -> Applied:
    """How far the state goes that a rebuild begins with."""
    return applied_in(folder / plan.point) if plan.point else {}


def _move_aside(folder: Path, plan: Plan, warehouse: Path) -> None:
    if not plan.aside:
        stamp = datetime.fromtimestamp(plan.begun / 1000, UTC).strftime("%Y%m%d-%H%M%S")
        plan.aside = f"{warehouse.name}.before-{stamp}"
        write_plan(folder, plan)
    aside = warehouse.with_name(plan.aside)
    if warehouse.exists() and not aside.exists():
        warehouse.rename(aside)
        sync(warehouse.parent)


def _delete_rows(open_: Callable[[], Warehouse], inbox: Inbox, applied: Applied) -> None:
    applied_by_partition = {
        f"{spec.reads.name}/{partition}": applied.get((spec.agent, partition), -1)
        for spec in FLOW
        for partition in range(inbox.partitions)
    }
    params = {
        "log_id": inbox.log_id,
        "lanes": list(applied_by_partition),
        "applied": list(applied_by_partition.values()),
    }
    warehouse = open_()
    try:
        for table in BY_NAME:
            text = sql.load("warehouse/rows_after").replace("TABLE_NAME", table)
            warehouse.execute(text, params)
        for table in DERIVED_TABLES:
            warehouse.execute(f"TRUNCATE TABLE {table}")
    finally:
        warehouse.close()


def missing(warehouse: Warehouse, log_id: str, applied: Applied) -> int:
    """Events before the restore point that the books know and the warehouse has not."""
    missing_events = 0
    for (stage, partition), last in applied.items():
        if stage == EVENTS_SPEC.agent:
            params = {
                "log_id": log_id,
                "topic": EVENTS_SPEC.reads.name,
                "partition": partition,
                "applied": last,
            }
            ((declared, stored),) = warehouse.query(sql.load("warehouse/rows_counted"), params).rows
            missing_events += max(0, int(declared) - int(stored))
    return missing_events
