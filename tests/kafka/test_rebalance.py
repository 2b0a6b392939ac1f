"""Workers come, die and freeze; the partitions' deltas stay one chain without a gap."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.engine.transports.kafka_journal import KafkaJournal
from schemas.topics import EVENTS
from tests.conformance.conftest import PARTITIONS, KafkaLog

pytestmark = pytest.mark.kafka

TAKEOVER_SECONDS = 25
"""The session timeout (6 s), the rebalance and loading, with room for a slow machine."""

FROZEN_SECONDS = 9
"""Longer than the session timeout."""

Worker = subprocess.Popen[bytes]


class Crew:
    """Worker processes of one stage (`tests.kafka.worker`)."""

    def __init__(self, log: KafkaLog, stage: str) -> None:
        self._arguments = [log.bootstrap, stage, str(PARTITIONS)]
        self.workers: list[Worker] = []

    def start(self) -> Worker:
        command = [sys.executable, "-m", "tests.kafka.worker", *self._arguments]
        root = Path(__file__).parents[2]
        self.workers.append(subprocess.Popen(command, cwd=root, stderr=subprocess.DEVNULL))
        return self.workers[-1]


@contextmanager
def crew(log: KafkaLog, stage: str) -> Iterator[Crew]:
    """Workers that are gone afterwards."""
    workers = Crew(log, stage)
    try:
        yield workers
    finally:
        for worker in workers.workers:
            worker.kill()
            worker.wait()


async def applied(journal: KafkaJournal, stage: str, partition: int) -> int:
    """What a worker that loads now has applied. Fails on a gap."""
    reached = -1
    _, deltas = await journal.load(stage, partition)
    async for delta in deltas:
        assert delta.lo <= reached + 1
        reached = max(reached, delta.applied)
    return reached


async def feed_and_wait(log: KafkaLog, stage: str) -> None:
    """Append to every partition; return when some worker applied it."""
    journal = await log.open(stage)
    deadline = time.monotonic() + TAKEOVER_SECONDS
    for partition in range(PARTITIONS):
        await log.collect(EVENTS.name, partition, [b"{}"] * 50)
    for partition in range(PARTITIONS):
        last = await journal.end(EVENTS.name, partition) - 1
        while await applied(journal, stage, partition) < last:
            assert time.monotonic() < deadline, f"nobody reads partition {partition}"
            await asyncio.sleep(0.2)
    await journal.close()


def test_a_killed_workers_partitions_are_read_on_by_another(
    kafka_log: KafkaLog, stage: str
) -> None:
    with crew(kafka_log, stage) as workers:
        first = workers.start()
        asyncio.run(feed_and_wait(kafka_log, stage))
        second = workers.start()
        asyncio.run(feed_and_wait(kafka_log, stage))
        first.kill()
        asyncio.run(feed_and_wait(kafka_log, stage))
        assert second.poll() is None


def test_a_worker_that_froze_is_replaced_and_takes_part_again(
    kafka_log: KafkaLog, stage: str
) -> None:
    with crew(kafka_log, stage) as workers:
        frozen = workers.start()
        asyncio.run(feed_and_wait(kafka_log, stage))
        frozen.send_signal(signal.SIGSTOP)
        thawed_at = time.monotonic() + FROZEN_SECONDS
        other = workers.start()
        asyncio.run(feed_and_wait(kafka_log, stage))
        time.sleep(max(0.0, thawed_at - time.monotonic()))
        frozen.send_signal(signal.SIGCONT)
        asyncio.run(feed_and_wait(kafka_log, stage))
        other.kill()
        asyncio.run(feed_and_wait(kafka_log, stage))
        frozen.terminate()
        assert frozen.wait(timeout=20) == 0
