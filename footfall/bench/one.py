"""One measurement in a process of its own, so that its CPU time is its own: `python -m footfall.bench.one`.

    floor   log → msgspec decode → columnar insert; no logic, no state
    plain   a plain Faust agent on the same log: one event per record, the same logic, state in
            memory only, rows inserted a thousand at a time
    worker  Footfall's worker as `footfall worker` runs it, until nothing is behind

Prints {"events", "seconds", "cpu_seconds"} of the work itself, without start and import.
"""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import faust
import msgspec

from pipeline.engine.stage import Emit, Record
from pipeline.engine.transports.coalesce import RecordsSchema
from pipeline.engine.transports.embedded import Consumer, Transport
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.errors import LogDamaged
from pipeline.flow import stages
from pipeline.settings import Settings
from pipeline.stores import open_warehouse
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.migrate import migrate
from pipeline.warehouse.sink import Sink
from pipeline.worker import Worker
from schemas import topics
from schemas.events import Event
from schemas.rows import EventRow
from schemas.store_urls import directories

PLAIN_ROWS = 1_000
FLOOR_EVENTS = 5_000


class Watch:
    """Wall and CPU seconds between construction and `done`."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def done(self, events: int) -> dict[str, float]:
        """What the measurement prints."""
        return {
            "events": events,
            "seconds": time.perf_counter() - self._wall,
            "cpu_seconds": time.process_time() - self._cpu,
        }


def _ready(settings: Settings) -> tuple[EmbeddedJournal, Warehouse, Sink]:
    journal = EmbeddedJournal(Path(directories(settings.log, settings.warehouse)[0]))
    warehouse = open_warehouse(settings)
    migrate(warehouse)
    return journal, warehouse, Sink(warehouse, journal.log_id)


async def floor(settings: Settings, events: int) -> dict[str, float]:
    """(a)."""
    journal, _, sink = _ready(settings)
    decode = msgspec.json.Decoder(Event).decode_lines
    watch = Watch()
    for partition in range(journal.partitions):
        start = 0
        while batch := await journal.read(
            topics.EVENTS.name, partition, start, FLOOR_EVENTS // 200
        ):
            start = batch[-1].offset + 1
            rows = [
                (_row(event), record.offset, index)
                for record in batch
                for index, event in enumerate(decode(record.value))
            ]
            sink.write(topics.EVENTS.name, partition, {EventRow: rows})
    return watch.done(events)


def _row(e: Event) -> EventRow:
    return EventRow(
        e.site,
        e.type,
        e.event,
        e.time,
        e.corrected_time,
        e.received_at,
        e.message_id,
        e.anonymous_id,
        e.identifiers[0] if e.identifiers else "",
        e.url,
        e.path,
        e.path,
        e.title,
        e.referrer,
        e.device_class,
        e.opt_out,
        str(memoryview(e.properties), "utf-8"),
        str(memoryview(e.traits), "utf-8"),
        e.browser,
        e.os,
        e.bot,
        e.country,
        e.ip,
        e.campaign_source,
        e.campaign_medium,
        e.campaign_name,
        e.campaign_term,
        e.campaign_content,
        e.click_id,
        e.referrer_medium,
        e.referrer_source,
    )


class _OneByOne(Consumer):
    """Each record is a Faust message of its own, as with any transport."""

    def _read(self, active: list[Any]) -> dict[Any, list[list[Record]]]:
        matches = super()._read(active)
        return {tp: [[record] for run in runs for record in run] for tp, runs in matches.items()}


class _PlainTransport(Transport):
    Consumer = _OneByOne


async def plain(settings: Settings, events: int) -> dict[str, float]:
    """(b)."""
    journal, _, sink = _ready(settings)
    app = _PlainApp(
        "plain",
        broker=settings.log,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        autodiscover=False,
        topic_partitions=journal.partitions,
    )
    app.transport = _PlainTransport(app.conf.broker, app)
    stage = stages(settings, journal.partitions)["visits"]
    states = [stage.new_state() for _ in range(journal.partitions)]
    accepted, finished = 0, asyncio.Event()
    emits = [Emit(stage.source, partition) for partition in range(journal.partitions)]

    async def agent(stream: Any) -> None:
        nonlocal accepted
        async for event in stream.events():
            partition = event.message.partition
            for record in event.message.value:
                emits[partition].begin(record.offset)
                stage.process(states[partition], record, emits[partition])
                accepted += record.events
            if accepted % PLAIN_ROWS == 0 or accepted == events:
                for number, emit in enumerate(emits):
                    await asyncio.to_thread(sink.write, stage.source.name, number, emit.rows)
                    emits[number] = Emit(stage.source, number)
            if accepted == events:
                finished.set()

    app.agent(app.topic(stage.source.name, schema=RecordsSchema()), name="plain")(agent)
    watch = Watch()
    await app.start()
    await finished.wait()
    return watch.done(events)


class _PlainApp(faust.App):
    def _create_directories(self) -> None:
        """None where the command is run."""

    async def resume_positions(
        self, partitions: set[tuple[str, int]]
    ) -> dict[tuple[str, int], int]:
        return dict.fromkeys(partitions, 0)

    async def partitions_revoked(self, partitions: set[tuple[str, int]]) -> None:
        """Nothing is kept."""

    def record_damaged(self, text: str) -> None:
        raise LogDamaged(text)

    def log_failed(self, error: Exception) -> None:
        raise error


async def worker(settings: Settings, events: int) -> dict[str, float]:
    """(c)."""
    running = Worker(settings)
    await running.open()
    watch = Watch()
    await running.consume()
    maintenance_tasks = [asyncio.create_task(task) for task in running.maintenance_tasks()]
    while not running.lag_monitor.ready() or any(  # noqa: ASYNC110
        task["lag"] for task in await running.lag_monitor.tasks()
    ):
        await asyncio.sleep(0.05)
    measurement = watch.done(events)
    for task in maintenance_tasks:
        task.cancel()
    await running.stop()
    return measurement


async def run(name: str, events: int) -> None:
    """Measure, print, and end at once: how a plain Faust app stops is not what is measured."""
    measure = {"floor": floor, "plain": plain, "worker": worker}[name]
    measurement = await measure(Settings(), events)
    print(msgspec.json.encode(measurement).decode(), flush=True)  # noqa: T201
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2])))
