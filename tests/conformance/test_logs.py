"""What every journal promises (`pipeline.engine.transports.contract.Journal`), on both logs."""

import asyncio

import pytest

from pipeline.engine.stage import Record
from pipeline.engine.transports.contract import Delta, Journal, Snapshot
from schemas.log_records import Append
from schemas.topics import CUSTOMERS, EVENTS, PAGES
from tests.conformance.conftest import PARTITIONS, Log, records

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")


def delta(lo: int, applied: int) -> Delta:
    return Delta(lo, applied, b"changes of %d to %d" % (lo, applied))


async def loaded(
    journal: Journal, stage: str, partition: int = 0
) -> tuple[Snapshot | None, list[Delta]]:
    """All that is there, read to its end."""
    snapshot, deltas = await journal.load(stage, partition)
    whole = snapshot and Snapshot(snapshot.applied, list(snapshot.chunks))
    return whole, [each async for each in deltas]


async def commit_all(journal: Journal, stage: str, *deltas: Delta) -> None:
    for each in deltas:
        await journal.commit(stage, 0, [], each)


def test_a_new_stage_has_no_snapshot_and_no_deltas(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open(stage)
        assert await loaded(journal, stage) == (None, [])
        await journal.close()

    asyncio.run(scenario())


def test_outputs_get_the_next_offsets_and_keep_value_and_event_count(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open(stage)
        first = await journal.end(CUSTOMERS.name, 1)
        outputs = [Append(CUSTOMERS.name, 1, 2, b"a\nb"), Append(CUSTOMERS.name, 1, 1, b"c")]
        await journal.commit(stage, 0, outputs, delta(0, 4))
        assert await journal.end(CUSTOMERS.name, 1) == first + 2
        assert await journal.read(CUSTOMERS.name, 1, first, 10) == [
            Record(first, 2, b"a\nb"),
            Record(first + 1, 1, b"c"),
        ]
        await journal.close()

    asyncio.run(scenario())


def test_outputs_stay_in_order_within_each_of_their_partitions(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open(stage)
        homes = [(PAGES.name, n) for n in range(PARTITIONS)] + [(CUSTOMERS.name, 0)]
        starts = {home: await journal.end(*home) for home in homes}
        await journal.commit(
            stage,
            0,
            [Append(*home, 1, b"%d" % n) for n in range(20) for home in homes],
            delta(0, 0),
        )
        for home, start in starts.items():
            values = [record.value for record in await journal.read(*home, start, 100)]
            assert values == [b"%d" % n for n in range(20)]
        await journal.close()

    asyncio.run(scenario())


def test_read_begins_at_start_and_stops_at_limit(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open(stage)
        first = await journal.end(EVENTS.name, 0)
        values = [b"%d" % n for n in range(10)]
        await log.collect(EVENTS.name, 0, values)
        expected = records(values, first)
        assert await journal.end(EVENTS.name, 0) == first + 10
        assert await journal.read(EVENTS.name, 0, first + 3, 4) == expected[3:7]
        assert await journal.read(EVENTS.name, 0, first + 8, 100) == expected[8:]
        assert await journal.read(EVENTS.name, 0, first + 10, 100) == []
        await journal.close()

    asyncio.run(scenario())


def test_deltas_come_back_in_log_order_after_a_restart(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open(stage)
        stored = [delta(n * 3, n * 3 + 2) for n in range(20)]
        await commit_all(journal, stage, *stored)
        log_id = journal.log_id
        await journal.close()
        restarted = await log.open(stage)
        assert restarted.log_id == log_id
        assert restarted.partitions == PARTITIONS
        assert await loaded(restarted, stage) == (None, stored)
        await restarted.close()

    asyncio.run(scenario())


def test_stages_and_partitions_do_not_mix(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open(stage, f"{stage}b")
        await journal.commit(stage, 0, [], delta(0, 1))
        await journal.commit(stage, 1, [], delta(0, 2))
        await journal.commit(f"{stage}b", 0, [], delta(0, 3))
        assert (await loaded(journal, stage, 0))[1] == [delta(0, 1)]
        assert (await loaded(journal, stage, 1))[1] == [delta(0, 2)]
        assert (await loaded(journal, f"{stage}b", 0))[1] == [delta(0, 3)]
        await journal.close()

    asyncio.run(scenario())


def test_a_snapshot_replaces_the_deltas_it_covers_and_no_others(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open(stage)
        await commit_all(journal, stage, delta(0, 1), delta(2, 5), delta(6, 7))
        await journal.snapshot(stage, 0, Snapshot(5, [b"one", b"two"]))
        await commit_all(journal, stage, delta(8, 8))
        await journal.close()
        restarted = await log.open(stage)
        snapshot, deltas = await loaded(restarted, stage)
        assert snapshot == Snapshot(5, [b"one", b"two"])
        assert deltas == [delta(6, 7), delta(8, 8)]
        await restarted.close()

    asyncio.run(scenario())


def test_the_newest_snapshot_is_loaded(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open(stage)
        for applied in (3, 6, 9):
            await commit_all(journal, stage, delta(applied - 2, applied))
            await journal.snapshot(stage, 0, Snapshot(applied, [b"to %d" % applied]))
        assert await loaded(journal, stage) == (Snapshot(9, [b"to 9"]), [])
        await journal.close()

    asyncio.run(scenario())


def test_a_journal_that_loaded_deltas_drops_them_too(log: Log, stage: str) -> None:
    async def scenario() -> None:
        first = await log.open(stage)
        await commit_all(first, stage, delta(0, 1), delta(2, 3))
        await first.close()
        second = await log.open(stage)
        await loaded(second, stage)
        await commit_all(second, stage, delta(4, 5))
        await second.snapshot(stage, 0, Snapshot(5, [b"all"]))
        assert await loaded(second, stage) == (Snapshot(5, [b"all"]), [])
        await second.close()

    asyncio.run(scenario())


def test_bodies_may_be_larger_than_a_record(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open(stage)
        large = bytes(range(256)) * 10_000
        await commit_all(journal, stage, Delta(0, 1, large), Delta(2, 3, b""), Delta(4, 5, large))
        assert (await loaded(journal, stage))[1] == [
            Delta(0, 1, large),
            Delta(2, 3, b""),
            Delta(4, 5, large),
        ]
        await journal.snapshot(stage, 0, Snapshot(3, [large, b"", b"small"]))
        snapshot, deltas = await loaded(journal, stage)
        assert snapshot == Snapshot(3, [large, b"", b"small"])
        assert deltas == [Delta(4, 5, large)]
        await journal.close()

    asyncio.run(scenario())


def test_the_late_delta_of_a_worker_that_lost_its_partition_stays_in_log_order(
    log: Log, stage: str
) -> None:
    async def scenario() -> None:
        zombie, successor = await log.open(stage), await log.open(stage)
        await commit_all(zombie, stage, delta(0, 4))
        await loaded(successor, stage)
        await commit_all(successor, stage, delta(5, 9))
        await commit_all(zombie, stage, delta(5, 7))
        await commit_all(successor, stage, delta(10, 11))
        assert (await loaded(successor, stage))[1] == [
            delta(0, 4),
            delta(5, 9),
            delta(5, 7),
            delta(10, 11),
        ]
        await zombie.close()
        await successor.close()

    asyncio.run(scenario())


def test_loading_ends_where_the_log_ended_when_it_began(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open(stage)
        await commit_all(journal, stage, delta(0, 1))
        _, deltas = await journal.load(stage, 0)
        seen = [await anext(deltas)]
        await commit_all(journal, stage, delta(2, 3))
        seen += [each async for each in deltas]
        assert seen == [delta(0, 1)]
        await journal.close()

    asyncio.run(scenario())


def test_records_appended_without_a_delta_are_read_like_any_other(log: Log, stage: str) -> None:
    async def scenario() -> None:
        journal = await log.open(stage)
        first = await journal.end(PAGES.name, 0)
        await journal.append([Append(PAGES.name, 0, 3, b"a\nb\nc")])
        assert await journal.read(PAGES.name, 0, first, 10) == [Record(first, 3, b"a\nb\nc")]
        assert await loaded(journal, stage) == (None, [])
        await journal.close()

    asyncio.run(scenario())
