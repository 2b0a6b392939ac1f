"""A partition task beside others on one event loop: what `tests/faults` does not look at."""

import asyncio
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import asdict

from collectors.producers.embedded import EmbeddedWriter
from pipeline.engine.batch_queue import LARGE_BYTES, QUEUED_EVENTS, RecordBatch
from pipeline.engine.fold import YIELD_EVENTS
from pipeline.engine.metrics import Metrics
from pipeline.engine.runner import Runner
from pipeline.engine.stage import Emit, Record
from pipeline.engine.state.keyed import State
from pipeline.engine.transports.contract import Delta, Snapshot
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.errors import LogDamaged, Permanent, ValueRefused
from pipeline.stages.visits.funnel import parse
from pipeline.stages.visits.stage import Visits
from pipeline.warehouse.sink import NO_ROWS
from schemas.logfile import WORK
from schemas.rejects import Reason
from schemas.rows import EventRow, ExistingRows, RejectRow, Row, SessionRow
from tests.pipeline.stages.visits.site import MINUTE, end_of_time, event, record


class SlowSink:
    """Says that a write has begun, and ends it when told to."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def read_back(self, topic: str, partition: int, applied: int) -> ExistingRows:
        return NO_ROWS

    def count_entries(self, topic: str, partition: int, applied: int) -> int:
        return 10**9

    def write(
        self,
        topic: str,
        partition: int,
        rows: Mapping[type[Row], Sequence[tuple[Any, ...]]],
        existing: ExistingRows = NO_ROWS,
    ) -> None:
        self.begun.set()
        self.go_on.wait(10)


async def runner_of(folder: Path, sink: SlowSink) -> Runner:
    EmbeddedWriter(folder, 1, lambda: 0).close()
    stage = Visits(5 * MINUTE, 60 * MINUTE, parse(""))
    runner = Runner(stage, EmbeddedJournal(folder), sink, Metrics().stage(stage.name))
    await runner.resume(0)
    return runner


def records(count: int, events_each: int) -> list[Record]:
    return [
        record(
            offset,
            [event(offset, device=f"d{n}", message_id=f"{offset}/{n}") for n in range(events_each)],
        )
        for offset in range(count)
    ]


async def end(runner: Runner, sink: SlowSink) -> None:
    sink.go_on.set()
    await runner.revoke(0)
    await runner.journal.close()


def test_what_is_not_durable_yet_does_not_count_as_applied(tmp_path: Path) -> None:
    async def story() -> tuple[int, int]:
        sink, acknowledged = SlowSink(), asyncio.Event()
        runner = await runner_of(tmp_path, sink)
        task = runner.tasks[0]
        await runner.feed(0, RecordBatch(records(3, 2), acknowledged.set))
        await asyncio.to_thread(sink.begun.wait, 10)
        writing = task.applied
        sink.go_on.set()
        await asyncio.wait_for(acknowledged.wait(), 10)
        durable = task.applied
        await end(runner, sink)
        return writing, durable

    assert asyncio.run(story()) == (-1, 2)


def test_others_get_their_turn_while_a_long_batch_is_folded(tmp_path: Path) -> None:
    async def story() -> int:
        sink, turns = SlowSink(), 0
        runner = await runner_of(tmp_path, sink)
        await runner.feed(0, RecordBatch(records(8, YIELD_EVENTS // 2), lambda: None))
        while not sink.begun.is_set():
            await asyncio.sleep(0)
            turns += runner.tasks[0].state.applied not in (-1, 7)
        await end(runner, sink)
        return turns

    assert asyncio.run(story()) >= 3


def test_few_large_events_fill_a_queue_as_many_small_ones_do(tmp_path: Path) -> None:
    async def story() -> int:
        sink = SlowSink()
        runner = await runner_of(tmp_path, sink)
        large = msgspec.Raw(b'{"text":"%s"}' % (b"x" * 100 * LARGE_BYTES))
        taken = 0
        for offset in range(1_000):
            one = record(offset, [event(offset, properties=large)])
            with suppress(TimeoutError):
                await asyncio.wait_for(runner.feed(0, RecordBatch([one], lambda: None)), 0.2)
                taken += 1
                continue
            break
        await end(runner, sink)
        return taken

    # What is in flight and what is queued; the first record is a batch of its own.
    assert asyncio.run(story()) == 1 + QUEUED_EVENTS // 100


class Failing(Visits):
    """A stage with a fault: a line with `unbearable` in it makes it raise, with the line in the text."""

    unbearable = b""

    def process(self, state: State, record: Record, emit: Emit) -> None:
        super().process(state, record, emit)
        for line in record.value.split(b"\n"):
            if self.unbearable in line:
                raise TypeError(f"cannot bear {line!r}")


class Refusing(SlowSink):
    """A warehouse that refuses the rows of one table."""

    def write(
        self,
        topic: str,
        partition: int,
        rows: Mapping[type[Row], Sequence[tuple[Any, ...]]],
        existing: ExistingRows = NO_ROWS,
    ) -> None:
        if SessionRow in rows:
            raise ValueRefused("table `sessions`: a value does not fit the column `pages`")
        self.written += [(table, row) for table in rows for row in rows[table]]

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[type[Row], tuple[Any, ...]]] = []


WORD = "a-visitors-word"
TICK = b'"type":"tick"'


async def end_of_task(stage: Visits, sink: SlowSink, folder: Path, batch: Sequence[Record]) -> str:
    """How a partition task ends that is handed these records: its error's text, or "" where it goes on."""
    EmbeddedWriter(folder, 1, lambda: 0).close()
    sink.go_on.set()
    runner = Runner(stage, EmbeddedJournal(folder), sink, Metrics().stage(stage.name))
    await runner.resume(0)
    acknowledged = asyncio.Event()
    await runner.feed(0, RecordBatch(batch, acknowledged.set))
    waiting: asyncio.Future[Any] = asyncio.create_task(acknowledged.wait())
    ends: list[asyncio.Future[Any]] = [waiting, runner.failed]
    await asyncio.wait(ends, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    ended = runner.failed.exception() if runner.failed.done() else None
    assert ended is None or isinstance(ended, Permanent)
    await end(runner, sink)
    return str(ended or "")


def stage_of(kind: type[Visits], unbearable: bytes = b"") -> Visits:
    stage = kind(5 * MINUTE, 60 * MINUTE, parse(""))
    if isinstance(stage, Failing):
        stage.unbearable = unbearable
    return stage


def test_a_tick_is_never_set_aside_as_if_a_visitor_had_sent_it(tmp_path: Path) -> None:
    stage, sink = stage_of(Failing, TICK), Refusing()
    given = [record(0, [event(0)]), record(1, [end_of_time(60)])]
    text = asyncio.run(end_of_task(stage, sink, tmp_path, given))
    assert "visits fails with TypeError in test_runner.py:" in text
    assert "at the tick of footfall-events/0, offset 1" in text
    assert "cannot bear" not in text, "what an error says may be a visitor's words"


def test_a_line_that_a_stage_fails_on_is_set_aside_as_our_own_fault(tmp_path: Path) -> None:
    sink = Refusing()
    given = [record(0, [event(0), event(1, path=f"/{WORD}"), event(2)])]
    assert asyncio.run(end_of_task(stage_of(Failing, WORD.encode()), sink, tmp_path, given)) == ""
    (reject,) = [row for table, row in sink.written if table is RejectRow]
    reason, detail, body = (asdict(reject[0])[name] for name in ("reason", "detail", "body"))
    assert reason == Reason.PROCESSING_FAILED
    assert WORD in body
    assert WORD not in detail
    assert sum(table is EventRow for table, _ in sink.written) == 2


def test_a_row_that_the_warehouse_refuses_ends_the_worker_and_takes_no_input_for_bad(
    tmp_path: Path,
) -> None:
    """A session's row is made at the tick: neither it nor the events before are set aside."""
    sink = Refusing()
    given = [record(0, [event(0)]), record(1, [end_of_time(120)])]
    text = asyncio.run(end_of_task(stage_of(Visits), sink, tmp_path, given))
    assert text == "table `sessions`: a value does not fit the column `pages`"
    assert sink.written == []


@pytest.mark.parametrize("table", ["deltas", "snapshots"])
def test_damage_that_the_log_finds_while_state_is_loaded_is_told_in_its_own_words(
    tmp_path: Path, table: str
) -> None:
    """They name the file and the way out."""
    EmbeddedWriter(tmp_path, 1, lambda: 0).close()

    async def story() -> None:
        stage = stage_of(Visits)
        journal = EmbeddedJournal(tmp_path)
        await journal.commit(stage.name, 0, [], Delta(0, 0, b"body"))
        if table == "snapshots":
            await journal.snapshot(stage.name, 0, Snapshot(-1, [b"chunk"]))
        with closing(sqlite3.connect(tmp_path / WORK)) as work, work:
            work.execute(f"UPDATE {table} SET body = x'00'")
        runner = Runner(stage, journal, SlowSink(), Metrics().stage(stage.name))
        try:
            await runner.resume(0)
        finally:
            await journal.close()

    with pytest.raises(LogDamaged, match=r"work\.db is damaged.*footfall rebuild"):
        asyncio.run(story())
