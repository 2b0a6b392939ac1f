"""What Faust gets from each transport: records in order, in runs, from where the runner says."""

import asyncio

import pytest
from faust.types import TP

from pipeline.engine.transports import coalesce
from pipeline.engine.transports.contract import Journal
from schemas.topics import EVENTS
from tests.conformance.conftest import PARTITIONS, Log, records
from tests.conformance.reader import PartitionKey, Reader, reading

KEYS = [(EVENTS.name, partition) for partition in range(PARTITIONS)]
FIRST = KEYS[0]


async def ends(journal: Journal) -> dict[PartitionKey, int]:
    return {key: await journal.end(*key) for key in KEYS}


def test_records_arrive_in_order_and_untouched_from_all_partitions(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open()
        start = await ends(journal)
        values = [b'{"n":%d}' % n for n in range(300)]
        for key in KEYS:
            await log.collect(*key, values)
        reader = Reader(start)
        async with reading(log.url, EVENTS.name, reader, stage):
            for key in KEYS:
                await reader.wait_for(key, start[key] + 299)
        for key in KEYS:
            received = [record for run in reader.runs[key] for record in run]
            assert received == records(values, start[key])
        await journal.close()

    asyncio.run(scenario())


def test_adjacent_records_are_handed_over_together_within_bounds(
    log: Log, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coalesce, "MAX_EVENTS", 100)

    async def scenario() -> None:
        journal = await log.open()
        start = await ends(journal)
        await log.collect(*FIRST, [b"{}"] * 1_000)
        reader = Reader(start)
        async with reading(log.url, EVENTS.name, reader, stage):
            await reader.wait_for(FIRST, start[FIRST] + 999)
        sizes = [len(run) for run in reader.runs[FIRST]]
        assert max(sizes) == 100
        assert len(sizes) <= 20
        await journal.close()

    asyncio.run(scenario())


def test_a_restarted_worker_reads_on_from_where_its_runner_says(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open()
        start = await ends(journal)
        await log.collect(*FIRST, [b"{}"] * 100)
        async with reading(log.url, EVENTS.name, Reader(start), stage) as app:
            await asyncio.sleep(0)
            assert not app.crashed
        resumed = Reader({**start, FIRST: start[FIRST] + 37})
        async with reading(log.url, EVENTS.name, resumed, stage):
            await resumed.wait_for(FIRST, start[FIRST] + 99)
        assert resumed.offsets(FIRST) == list(range(start[FIRST] + 37, start[FIRST] + 100))
        await journal.close()

    asyncio.run(scenario())


def test_records_that_come_later_are_noticed(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open()
        start = await ends(journal)
        reader = Reader(start)
        async with reading(log.url, EVENTS.name, reader, stage):
            for n in range(3):
                await log.collect(*FIRST, [b"{}"])
                await reader.wait_for(FIRST, start[FIRST] + n)
        assert reader.offsets(FIRST) == [start[FIRST] + n for n in range(3)]
        await journal.close()

    asyncio.run(scenario())


def test_a_seek_back_hands_the_same_records_over_again(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open()
        start = await ends(journal)
        await log.collect(*FIRST, [b"{}"] * 100)
        reader = Reader(start)
        async with reading(log.url, EVENTS.name, reader, stage) as app:
            await reader.wait_for(FIRST, start[FIRST] + 99)
            reader.runs.clear()
            await app.consumer.seek(TP(*FIRST), start[FIRST] + 10)
            await reader.wait_for(FIRST, start[FIRST] + 99)
        assert reader.offsets(FIRST) == list(range(start[FIRST] + 10, start[FIRST] + 100))
        await journal.close()

    asyncio.run(scenario())
