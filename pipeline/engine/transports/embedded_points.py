"""Restore points of an embedded log: a worker's whole state at one moment, in a file beside work.db.

One transaction of work.db is a consistent cut of all stages, so a copy of its state is a work.db to
go on from: with it go the records that a stage had written and the next one had not folded yet.
"""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import sql
from pipeline.engine.transports.embedded_file import check, connect, using
from pipeline.engine.transports.embedded_records import Partitions
from schemas.logfile import INBOX, OFFSET_BITS, WORK

Applied = Mapping[tuple[str, int], int]
"""By stage and partition: the offset of the last record that its state has folded in."""

POINTS: Final = 2
INVENTORY: Final = "warehouse"
"""The fact in work.db that says what parts the warehouse had. A rebuilt one has others."""
_NAME: Final = "restore-{}.db"
_APPLIED: Final = (
    "SELECT stage, partition, max(applied) FROM (SELECT stage, partition, applied FROM deltas "
    "UNION ALL SELECT stage, partition, applied FROM snapshots) GROUP BY stage, partition"
)


class Point(NamedTuple):
    """A restore point: when it was made (ms) and where it is."""

    time_ms: int
    path: Path


def points(folder: Path) -> list[Point]:
    """All there are, the oldest first."""
    candidates = ((path.stem.partition("-")[2], path) for path in folder.glob(_NAME.format("*")))
    return sorted(Point(int(time), path) for time, path in candidates if time.isdecimal())


def applied_in(path: Path) -> Applied:
    """How far each stage's state goes. Raises LogDamaged and LogUnavailable."""
    with using(path, "read"), closing(connect(path, write=False)) as file:
        return {(stage, number): last for stage, number, last in file.execute(_APPLIED)}


def make_point(folder: Path, readers: Mapping[str, str], now_ms: int) -> Point:
    """Copy the state of work.db, and forget all but POINTS. Blocks; the worker may go on meanwhile.

    `readers`: by derived topic, the stage that reads it. It costs the size of the state, once more
    for each point.
    """
    point = Point(now_ms, folder / _NAME.format(now_ms))
    partial = point.path.with_suffix(".part")
    partial.unlink(missing_ok=True)
    with using(partial, "written"), closing(connect(partial, write=True)) as file:
        file.execute("PRAGMA journal_mode = DELETE")
        for script in ("embedded/log", "embedded/work"):
            file.executescript(sql.load(script))
        file.execute("ATTACH ? AS work", (f"file:{folder / WORK}?mode=ro",))
        file.execute("BEGIN")
        for table in ("log", "partitions", "deltas", "snapshots"):
            file.execute(f"INSERT INTO main.{table} SELECT * FROM work.{table}")  # noqa: S608  # ours
        file.execute("DELETE FROM main.log WHERE key = ?", (INVENTORY,))
        _copy_unread(partial, file, readers)
        file.execute("COMMIT")
    partial.replace(point.path)
    sync(folder)
    retained = [point for point in points(folder) if point.time_ms <= now_ms][-POINTS:]
    for old in points(folder):
        if old not in retained:  # one of a time that is still to come would be the newest for ever
            old.path.unlink()
    return point


def _copy_unread(path: Path, file: sqlite3.Connection, readers: Mapping[str, str]) -> None:
    applied = {(stage, number): last for stage, number, last in file.execute(_APPLIED)}
    partitions = Partitions(path, file)
    for topic, number in list(partitions.each()):
        row = partitions.read(topic, number)
        first = max(row.first_offset, applied.get((readers[topic], number), -1) + 1)
        file.execute(
            "INSERT INTO main.records SELECT * FROM work.records WHERE id >= ? AND id < ?",
            (row.record_id(first), row.record_id(1 << OFFSET_BITS)),
        )
        partitions.write(row._replace(first_offset=first))


class Inbox(NamedTuple):
    """What a rebuild must know of an inbox. `complete`: it has every record that ever was in it."""

    log_id: str
    partitions: int
    complete: bool


def inbox_of(folder: Path) -> Inbox:
    """Raises LogDamaged, LogUnavailable and BadSetting."""
    path = folder / INBOX
    with using(path, "read"), closing(connect(path, write=False)) as inbox:
        facts = check(path, inbox)
        partitions = Partitions(path, inbox)
        complete = not any(partitions.read(*key).first_offset for key in partitions.each())
        return Inbox(facts["log_id"], int(facts["partitions"]), complete)


def put_back(folder: Path, point: Path | None) -> None:
    """work.db is a copy of the restore point from now on, or nothing at all. Doing it again is safe."""
    work = folder / WORK
    for end in ("-wal", "-shm"):
        Path(f"{work}{end}").unlink(missing_ok=True)
    work.with_suffix(".end").unlink(missing_ok=True)
    if point is None:
        work.unlink(missing_ok=True)
    else:
        partial = work.with_suffix(".part")
        with partial.open("wb") as file:
            file.write(point.read_bytes())
            os.fsync(file.fileno())
        partial.replace(work)
    sync(folder)


def sync(folder: Path) -> None:
    """Names that were given or taken in a folder are durable."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
