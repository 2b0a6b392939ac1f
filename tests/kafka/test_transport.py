"""What is left to Faust on Kafka: offsets in the group are a gauge that follows the runner."""

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from schemas.topics import EVENTS
from tests.conformance.conftest import PARTITIONS, KafkaLog
from tests.conformance.reader import PartitionKey, Reader, reading

pytestmark = pytest.mark.kafka

FIRST = (EVENTS.name, 0)


async def starts(log: KafkaLog) -> dict[PartitionKey, int]:
    journal = await log.open()
    found = {(EVENTS.name, n): await journal.end(EVENTS.name, n) for n in range(PARTITIONS)}
    await journal.close()
    return found


def test_a_stopped_worker_has_committed_the_offset_after_the_newest_acknowledged(
    kafka_log: KafkaLog, stage: str
) -> None:
    async def scenario() -> None:
        start = await starts(kafka_log)
        await kafka_log.collect(*FIRST, [b"{}"] * 10)
        reader = Reader(start)
        async with reading(kafka_log.url, EVENTS.name, reader, stage):
            await reader.wait_for(FIRST, start[FIRST] + 9)
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_log.bootstrap)
        await admin.start()
        offsets = await admin.list_consumer_group_offsets(stage)
        await admin.close()
        assert offsets[TopicPartition(*FIRST)].offset == start[FIRST] + 10

    asyncio.run(scenario())


def test_reading_goes_on_at_the_earliest_record_when_retention_deleted_the_next_one(
    kafka_log: KafkaLog, stage: str
) -> None:
    async def scenario() -> None:
        start = await starts(kafka_log)
        await kafka_log.collect(*FIRST, [b"{}"] * 10)
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_log.bootstrap)
        await admin.start()
        earliest = start[FIRST] + 6
        await admin.delete_records({TopicPartition(*FIRST): RecordsToDelete(earliest)})
        await admin.close()
        reader = Reader(start)
        async with reading(kafka_log.url, EVENTS.name, reader, stage):
            await reader.wait_for(FIRST, start[FIRST] + 9)
        assert reader.offsets(FIRST) == list(range(earliest, start[FIRST] + 10))

    asyncio.run(scenario())
