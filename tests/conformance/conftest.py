"""Both logs behind one fixture: what a test in this folder says holds for each."""

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest
from aiokafka import AIOKafkaProducer

from collectors.producers.embedded import EmbeddedWriter
from pipeline.engine.stage import Record
from pipeline.engine.transports.contract import Journal
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.engine.transports.kafka_client import ensure_topics, events_header
from pipeline.engine.transports.kafka_journal import KafkaJournal
from schemas.log_records import Append
from tests.kafka.broker import KafkaBroker

PARTITIONS = 2


class Log(Protocol):
    """A log under test. `url` is what Faust is given."""

    url: str

    async def open(self, *stages: str) -> Journal:
        """A new journal, as a restarted worker would have it."""

    async def collect(self, topic: str, partition: int, values: Sequence[bytes]) -> None:
        """Append records of one event each, as a collector does."""


class EmbeddedLog:
    """Two SQLite files in a folder."""

    def __init__(self, directory: Path) -> None:
        self.url = f"embedded://{directory}"
        self._directory = directory
        EmbeddedWriter(directory, PARTITIONS, lambda: 0).close()

    async def open(self, *stages: str) -> Journal:
        return EmbeddedJournal(self._directory)

    async def collect(self, topic: str, partition: int, values: Sequence[bytes]) -> None:
        writer = EmbeddedWriter(self._directory, PARTITIONS, lambda: 0)
        writer.write([Append(topic, partition, 1, value) for value in values])
        writer.close()


class KafkaLog:
    """A real broker, shared by the session: tests use stages of their own, and `end` as origin."""

    def __init__(self, broker: KafkaBroker) -> None:
        self.url = f"footfallkafka://{broker.bootstrap}"
        self.bootstrap = broker.bootstrap

    async def open(self, *stages: str) -> KafkaJournal:
        return await KafkaJournal.open(self.bootstrap, stages, PARTITIONS)

    async def collect(self, topic: str, partition: int, values: Sequence[bytes]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all") as producer:
            for value in values:
                await producer.send(topic, value, partition=partition, headers=events_header(1))


@pytest.fixture
def kafka_log(kafka_broker: KafkaBroker) -> KafkaLog:
    """The log on Kafka, its data topics made."""
    asyncio.run(ensure_topics(kafka_broker.bootstrap, [], PARTITIONS))
    return KafkaLog(kafka_broker)


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    """Each log in turn."""
    if request.param == "embedded":
        yield EmbeddedLog(tmp_path)
    else:
        yield request.getfixturevalue("kafka_log")


@pytest.fixture
def stage() -> str:
    """A stage name that no other test has."""
    return f"stage{uuid.uuid4().hex[:12]}"


def records(values: Sequence[bytes], start: int) -> list[Record]:
    """What `collect` of these values makes, from offset `start`."""
    return [Record(start + n, 1, value) for n, value in enumerate(values)]
