"""A lane beside others on one event loop: what `tests/faults` does not look at."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from collectors.embedded_producer import EmbeddedWriter
from pipeline.metrics import Metrics
from pipeline.runner import (
    LARGE_BYTES,
    QUEUED_EVENTS,
    TURN_EVENTS,
    Existing,
    Handed,
    Runner,
)
from pipeline.stage import Record
from pipeline.transports.embedded_journal import EmbeddedJournal
from pipeline.visits.funnel import parse
from pipeline.visits.stage import Visits
from pipeline.warehouse.sink import NOTHING
from schemas.columns import Table
from tests.pipeline.visits.site import MINUTE, event, record


class SlowSink:
    """Says that a write has begun, and ends it when told to."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def read_back(self, topic: str, partition: int, applied: int) -> Existing:
        return NOTHING

    def write(
        self, topic: str, partition: int, rows: Mapping[Table, Sequence[tuple[Any, ...]]],
        existing: Existing = NOTHING,
    ) -> None:  # fmt: skip
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
        lane = runner.lanes[0]
        await runner.feed(0, Handed(records(3, 2), acknowledged.set))
        await asyncio.to_thread(sink.begun.wait, 10)
        writing = lane.applied
        sink.go_on.set()
        await asyncio.wait_for(acknowledged.wait(), 10)
        durable = lane.applied
        await end(runner, sink)
        return writing, durable

    assert asyncio.run(story()) == (-1, 2)


def test_others_get_their_turn_while_a_long_batch_is_folded(tmp_path: Path) -> None:
    async def story() -> int:
        sink, turns = SlowSink(), 0
        runner = await runner_of(tmp_path, sink)
        await runner.feed(0, Handed(records(8, TURN_EVENTS // 2), lambda: None))
        while not sink.begun.is_set():
            await asyncio.sleep(0)
            turns += runner.lanes[0].state.applied not in (-1, 7)
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
                await asyncio.wait_for(runner.feed(0, Handed([one], lambda: None)), 0.2)
                taken += 1
                continue
            break
        await end(runner, sink)
        return taken

    # What is in flight and what is queued; the first record is a batch of its own.
    assert asyncio.run(story()) == 1 + QUEUED_EVENTS // 100
