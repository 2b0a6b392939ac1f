"""What only Kafka's journal must survive: writers that die in the middle, and zombies."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer

from pipeline.engine.transports import kafka_journal, parts
from pipeline.engine.transports.contract import Delta, Snapshot
from pipeline.engine.transports.kafka_client import deltas_topic, ensure_topics, snapshots_topic
from pipeline.engine.transports.kafka_journal import KafkaJournal
from pipeline.errors import BadSetting, LogUnavailable
from schemas.log_records import Append
from schemas.topics import CUSTOMERS
from tests.conformance.conftest import PARTITIONS, KafkaLog
from tests.kafka.broker import KafkaBroker

pytestmark = pytest.mark.kafka

LARGE = b"x" * (2 * parts.BODY_BYTES)


async def write(log: KafkaLog, topic: str, pieces: Sequence[bytes]) -> None:
    """Append to a state topic past the journal, as a writer that dies in the middle."""
    async with AIOKafkaProducer(bootstrap_servers=log.bootstrap, acks="all") as producer:
        for piece in pieces:
            await producer.send(topic, piece, partition=0)


async def kept(journal: KafkaJournal, topic: str) -> list[int]:
    """The `applied` of each record that a state topic still has."""
    return [parts.applied_of(each.value) for each in await journal.read(topic, 0, 0, 1_000)]


async def deltas(journal: KafkaJournal, stage: str) -> list[Delta]:
    _, found = await journal.load(stage, 0)
    return [each async for each in found]


def test_a_snapshot_whose_end_is_missing_does_not_exist(kafka_log: KafkaLog, stage: str) -> None:
    async def scenario() -> None:
        journal = await kafka_log.open(stage)
        await journal.commit(stage, 0, [], Delta(0, 5, b"to 5"))
        await journal.snapshot(stage, 0, Snapshot(5, [b"whole"]))
        pieces = list(parts.split(9, [LARGE, b"end"]))
        await write(kafka_log, snapshots_topic(stage), pieces[:-1])
        snapshot, _ = await journal.load(stage, 0)
        assert snapshot == Snapshot(5, [b"whole"])
        await journal.close()

    asyncio.run(scenario())


def test_a_delta_whose_end_is_missing_does_not_exist(kafka_log: KafkaLog, stage: str) -> None:
    async def scenario() -> None:
        journal = await kafka_log.open(stage)
        await write(kafka_log, deltas_topic(stage), list(parts.split(3, [LARGE]))[:-1])
        await journal.commit(stage, 0, [], Delta(0, 4, b"to 4"))
        assert await deltas(journal, stage) == [Delta(0, 4, b"to 4")]
        await journal.close()

    asyncio.run(scenario())


def test_a_zombies_late_snapshot_neither_wins_nor_deletes_its_successors(
    kafka_log: KafkaLog, stage: str
) -> None:
    async def scenario() -> None:
        zombie, successor = await kafka_log.open(stage), await kafka_log.open(stage)
        await zombie.commit(stage, 0, [], Delta(0, 4, b"to 4"))
        assert await deltas(successor, stage) == [Delta(0, 4, b"to 4")]
        await successor.commit(stage, 0, [], Delta(5, 9, b"to 9"))
        await successor.snapshot(stage, 0, Snapshot(9, [b"new"]))
        await zombie.snapshot(stage, 0, Snapshot(4, [b"old"]))
        await zombie.snapshot(stage, 0, Snapshot(4, [b"old"]))
        assert (await successor.load(stage, 0))[0] == Snapshot(9, [b"new"])
        await zombie.close()
        await successor.close()

    asyncio.run(scenario())


def test_a_zombies_late_delta_and_snapshot_do_not_delete_its_successors_deltas(
    kafka_log: KafkaLog, stage: str
) -> None:
    async def scenario() -> None:
        zombie, successor = await kafka_log.open(stage), await kafka_log.open(stage)
        await zombie.commit(stage, 0, [], Delta(0, 4, b"to 4"))
        await deltas(successor, stage)
        await successor.commit(stage, 0, [], Delta(5, 9, b"to 9"))
        await zombie.commit(stage, 0, [], Delta(5, 6, b"to 6"))
        await zombie.snapshot(stage, 0, Snapshot(6, [b"old"]))
        assert Delta(5, 9, b"to 9") in await deltas(successor, stage)
        await zombie.close()
        await successor.close()

    asyncio.run(scenario())


def test_a_snapshot_covers_what_a_zombie_left_behind(kafka_log: KafkaLog, stage: str) -> None:
    async def scenario() -> None:
        zombie, successor = await kafka_log.open(stage), await kafka_log.open(stage)
        await successor.commit(stage, 0, [], Delta(0, 4, b"to 4"))
        await zombie.commit(stage, 0, [], Delta(0, 2, b"to 2"))
        await zombie.snapshot(stage, 0, Snapshot(2, [b"old"]))
        await successor.commit(stage, 0, [], Delta(5, 9, b"to 9"))
        await successor.snapshot(stage, 0, Snapshot(9, [b"new"]))
        assert await deltas(successor, stage) == []
        assert await kept(successor, snapshots_topic(stage)) == [9]
        assert await kept(successor, deltas_topic(stage)) == []
        await zombie.close()
        await successor.close()

    asyncio.run(scenario())


def test_a_snapshot_interleaved_with_a_zombies_is_whole_and_deletes_nothing_newer(
    kafka_log: KafkaLog, stage: str
) -> None:
    async def scenario() -> None:
        one, other = await kafka_log.open(stage), await kafka_log.open(stage)
        for applied in (1, 2):
            await asyncio.gather(
                one.snapshot(stage, 0, Snapshot(applied, [LARGE] * 10)),
                other.snapshot(stage, 0, Snapshot(applied + 10, [LARGE] * 10)),
            )
        assert (await one.load(stage, 0))[0] == Snapshot(12, [LARGE] * 10)
        await one.close()
        await other.close()

    asyncio.run(scenario())


def test_all_journals_of_a_log_agree_on_its_id(kafka_log: KafkaLog, stage: str) -> None:
    async def scenario() -> None:
        journals = await asyncio.gather(*(kafka_log.open(stage) for _ in range(4)))
        assert len({journal.log_id for journal in journals}) == 1
        for journal in journals:
            await journal.close()

    asyncio.run(scenario())


def test_another_partition_count_is_refused_with_the_one_to_set(kafka_log: KafkaLog) -> None:
    with pytest.raises(BadSetting, match=f"set it to {PARTITIONS}"):
        asyncio.run(ensure_topics(kafka_log.bootstrap, [], PARTITIONS + 1))


def test_a_broker_that_is_away_is_unavailable_and_afterwards_all_works_again(
    stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_journal, "_SEND_SECONDS", 2.0)

    async def scenario(broker: KafkaBroker) -> None:
        journal = await KafkaJournal.open(broker.bootstrap, [stage], 1)
        await journal.commit(stage, 0, [], Delta(0, 0, b"before"))
        broker.kill()
        for _ in range(2):  # the producer that was there, and one that cannot be made
            with pytest.raises(LogUnavailable):
                await journal.commit(
                    stage, 0, [Append(CUSTOMERS.name, 0, 1, b"{}")], Delta(1, 1, b"away")
                )
        broker.start()
        await journal.commit(stage, 0, [], Delta(1, 1, b"after"))
        assert (await deltas(journal, stage))[-1] == Delta(1, 1, b"after")
        await journal.close()

    with KafkaBroker() as broker:
        asyncio.run(scenario(broker))
