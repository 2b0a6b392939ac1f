"""Law 7: cost per batch, not per event. Appends and decodes between collector and warehouse, counted."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

import pipeline
from collectors.producers.embedded import EmbeddedWriter
from pipeline.engine.batch_queue import RecordBatch
from pipeline.engine.metrics import Metrics
from pipeline.engine.runner import Runner
from pipeline.engine.transports.contract import Delta
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.stages.visits import accounting
from pipeline.stages.visits.funnel import parse
from pipeline.stages.visits.stage import Visits
from pipeline.warehouse.sink import NO_ROWS
from schemas import topics
from schemas.events import Event
from schemas.log_records import Append
from schemas.rows import EventRow, ExistingRows, Row
from tests.pipeline.stages.visits.site import MINUTE, event, record


class CountingWriter(EmbeddedWriter):
    """The collector's side; `appends` counts transactions: a batch counts once."""

    appends = 0

    def write(self, records: Sequence[Append]) -> None:
        self.appends += 1
        super().write(records)


class CountingJournal(EmbeddedJournal):
    """The worker's side, counted in the same way."""

    appends = 0

    async def commit(
        self, stage: str, partition: int, outputs: Sequence[Append], delta: Delta
    ) -> None:
        self.appends += 1
        await super().commit(stage, partition, outputs, delta)

    async def append(self, records: Sequence[Append]) -> None:
        self.appends += 1
        await super().append(records)


class CountingDecoder:
    """In place of the stage's decoder; `decoded` counts events."""

    def __init__(self, decoder: "msgspec.json.Decoder[Event]") -> None:
        self._decoder, self.decoded = decoder, 0

    def decode_lines(self, value: bytes) -> list[Event]:
        events = self._decoder.decode_lines(value)
        self.decoded += len(events)
        return events

    def decode(self, line: bytes) -> Event:
        self.decoded += 1
        return self._decoder.decode(line)


class Rows:
    """A sink that counts what is stored, and how often a table is written to."""

    def __init__(self) -> None:
        self.stored = self.inserts = 0

    def read_back(self, topic: str, partition: int, applied: int) -> ExistingRows:
        return {}

    def count_entries(self, topic: str, partition: int, applied: int) -> int:
        return 10**9

    def write(
        self,
        topic: str,
        partition: int,
        rows: Mapping[type[Row], Sequence[tuple[Any, ...]]],
        existing: ExistingRows = NO_ROWS,
    ) -> None:
        self.stored += len(rows.get(EventRow, ()))
        self.inserts += len(rows)


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> CountingDecoder:
    counting = CountingDecoder(accounting._decoder)
    monkeypatch.setattr(accounting, "_decoder", counting)
    return counting


def events(count: int) -> list[Event]:
    """Of 50 devices; one in five says who it is."""
    return [
        event(
            n / 100,
            device=f"d{n % 50}",
            message_id=f"m{n}",
            path=f"/product/{n % 7}",
            identifiers=(f"user_id:{n % 50}",) if n % 5 == 0 else (),
        )
        for n in range(count)
    ]


async def carry(folder: Path, batches: Sequence[Sequence[Event]]) -> tuple[int, Rows]:
    """Each batch through collector's log, runner and sink before the next; all log appends."""
    writer = CountingWriter(folder, 1, lambda: 0)
    journal, rows = CountingJournal(folder), Rows()
    stage = Visits(5 * MINUTE, 60 * MINUTE, parse(""))
    runner = Runner(stage, journal, rows, Metrics().stage(stage.name))
    await runner.resume(0)
    for batch in batches:
        one = record(0, batch)
        writer.write([Append(topics.EVENTS.name, 0, one.events, one.value)])
        acknowledged = asyncio.Event()
        records = await journal.read(topics.EVENTS.name, 0, runner.tasks[0].next_offset, 100)
        await runner.feed(0, RecordBatch(records, acknowledged.set))
        await asyncio.wait_for(acknowledged.wait(), 10)
    await runner.revoke(0)
    await journal.close()
    writer.close()
    return writer.appends + journal.appends, rows


def test_events_that_come_one_by_one_cost_two_appends_each(tmp_path: Path) -> None:
    appends, rows = asyncio.run(carry(tmp_path, [[one] for one in events(50)]))
    assert rows.stored == 50
    assert appends / 50 <= 2


def test_events_that_come_in_batches_share_their_appends_and_inserts(tmp_path: Path) -> None:
    batches = [events(1_000)[at : at + 200] for at in range(0, 1_000, 200)]
    appends, rows = asyncio.run(carry(tmp_path, batches))
    assert rows.stored == 1_000
    assert appends <= 2 * len(batches)
    assert rows.inserts <= 3 * len(batches)  # events, assertions, books


def test_an_event_is_decoded_once(tmp_path: Path, decoder: CountingDecoder) -> None:
    _, rows = asyncio.run(carry(tmp_path, [events(400)[at : at + 80] for at in range(0, 400, 80)]))
    assert (rows.stored, decoder.decoded) == (400, 400)


def test_events_are_decoded_in_one_place() -> None:
    source = Path(pipeline.__file__).parent
    places = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if re.search(r"Decoder\(Event\)|type=Event\b", path.read_text())
    ]
    assert sorted(places) == ["stages/visits/accounting.py"]
