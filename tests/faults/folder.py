"""An embedded log in a folder, folded by the real runners into rows in memory, without processes.

What is on disk outlives a life; so do the rows, as a warehouse would.
"""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import MagicMock, patch

from collectors.producers.embedded import EmbeddedWriter
from pipeline.engine import batch_queue, partition_task
from pipeline.engine.batch_queue import RecordBatch
from pipeline.engine.runner import Runner
from pipeline.engine.stage import Record
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.flow import stages
from pipeline.settings import Settings
from pipeline.warehouse.sink import Sink
from schemas.log_records import Append
from tests.faults import feeding, traffic
from tests.faults.memory import Faults, Inline, MemoryWarehouse
from tests.faults.simulation import silent

PARTITIONS: Final = 2
TURNS: Final = 20_000
"""Turns without an end after which a life counts as one that waits for ever."""

RowsByTable = dict[str, list[dict[str, Any]]]


class Waits(AssertionError):
    """A life neither came to the end of its log nor said why."""


def write(folder: Path, records: Iterable[Append]) -> EmbeddedWriter:
    """Append records as a collector does; the writer stays open."""
    writer = EmbeddedWriter(folder, PARTITIONS, lambda: 0)
    for record in records:
        writer.write([record])
    return writer


async def live(
    folder: Path, rows: RowsByTable, upto: float = 1.0, *, close: bool = True
) -> EmbeddedJournal:
    """Fold a share of what the log holds into `rows`. Raises what would end a worker, and Waits."""
    journal = EmbeddedJournal(folder)
    try:
        await _fold(journal, rows, upto)
    finally:
        if close:
            await journal.close()
    return journal


async def _fold(journal: EmbeddedJournal, rows: RowsByTable, upto: float) -> None:
    sink = Sink(MemoryWarehouse(rows, Faults(Random(0), kill=0, fail=0)), journal.log_id)
    sink._threads = Inline()  # type: ignore[assignment]
    settings = Settings({"lateness": str(30 * 86_400)}, {})
    flow = stages(settings, journal.partitions).values()
    runners = [Runner(stage, journal, sink, MagicMock()) for stage in flow]
    with silent():
        try:
            for runner in runners:
                for partition in range(journal.partitions):
                    await runner.resume(partition)
            for _ in range(TURNS):
                if all([await _feed(runner, journal, upto) for runner in runners]):
                    return
                await asyncio.sleep(0)
        finally:
            for runner in runners:
                for partition in list(runner.tasks):
                    await runner.revoke(partition, 1.0)
    raise Waits("the log's end was not reached")


async def _feed(runner: Runner, journal: EmbeddedJournal, upto: float) -> bool:
    """Hand over what comes next; whether all there is (or the share of it) is applied."""
    if runner.failed.done():
        runner.failed.result()
    done = True
    for partition, task in runner.tasks.items():
        topic = runner.stage.source.name
        end = int(await journal.end(topic, partition) * upto)
        if task.next_offset < end:
            limit = min(50, end - task.next_offset)
            run: Sequence[Record] = await journal.read(topic, partition, task.next_offset, limit)
            await runner.feed(partition, RecordBatch(run, lambda: None))
        done = done and task.applied >= end - 1
    return done


def stopped_stack(folder: Path, seed: int, events: int, share: float = 0.6) -> RowsByTable:
    """A folder as `kill -9` of collector and worker leaves it, WAL and all, and the rows till then."""
    rows: RowsByTable = defaultdict(list)
    alive = folder / "alive"
    sent = list(map(_appended, feeding.records(traffic.sendings(seed, events))))
    with (
        patch.object(batch_queue, "BATCH_EVENTS", 60),
        patch.object(partition_task, "SNAPSHOT_BYTES", 60_000),
    ):
        write(alive, sent[: len(sent) // 2]).close()  # the last one to close empties the WAL
        asyncio.run(live(alive, rows, share))
        writer = write(alive, sent[len(sent) // 2 :])
        asyncio.run(_killed(alive, folder, rows, share))
        writer.close()
    shutil.rmtree(alive)
    return rows


async def _killed(alive: Path, folder: Path, rows: RowsByTable, share: float) -> None:
    journal = await live(alive, rows, share, close=False)
    await asyncio.to_thread(_copy, alive, folder)
    await journal.close()


def _copy(alive: Path, folder: Path) -> None:
    for path in alive.iterdir():
        if path.suffix != ".db-shm":
            shutil.copy(path, folder / path.name)


def _appended(record: Any) -> Append:
    return Append(*record)


def copied(tables: Mapping[str, Sequence[dict[str, Any]]]) -> RowsByTable:
    """Rows that a life may add to."""
    return defaultdict(list, {name: list(rows) for name, rows in tables.items()})
