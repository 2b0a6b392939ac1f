"""Kafka as the log: on a real broker where Java and Maven are, its errors everywhere."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from collectors.errors import LogMismatch, Overloaded
from collectors.producers.kafka import KafkaWriter, open_kafka
from schemas.events import Event
from schemas.log_records import Append
from schemas.topics import EVENTS, MAX_RECORD_BYTES, REJECTS
from tests.collectors.producers.test_base import REJECT
from tests.kafka.broker import KafkaBroker, free_port, missing_tools

needs_tools = pytest.mark.skipif(bool(missing_tools()), reason=missing_tools())


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    with KafkaBroker() as running:
        yield running


def stored(broker: KafkaBroker, topic: str, partition: int) -> list[tuple[int, bytes]]:
    """(the header's count, value) of every record."""
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, enable_auto_commit=False)
    home = TopicPartition(topic, partition)
    consumer.assign([home])
    consumer.seek_to_beginning(home)
    found: list[tuple[int, bytes]] = []
    end = consumer.end_offsets([home])[home]
    while consumer.position(home) < end:
        for record in consumer.poll(timeout_ms=1_000).get(home, []):
            found.append((int(dict(record.headers)["n"]), record.value))
    consumer.close()
    return found


@pytest.mark.kafka
@needs_tools
def test_records_are_in_order_with_their_counts(broker: KafkaBroker) -> None:
    writer = KafkaWriter([broker.bootstrap], 2)
    writer.write([Append(EVENTS.name, 1, 2, b"a\nb"), Append(EVENTS.name, 1, 0, b"tick")])
    writer.write([Append(EVENTS.name, 1, 1, b"x" * MAX_RECORD_BYTES)])
    writer.close()
    assert stored(broker, EVENTS.name, 1) == [
        (2, b"a\nb"),
        (0, b"tick"),
        (1, b"x" * MAX_RECORD_BYTES),
    ]


@pytest.mark.kafka
@needs_tools
def test_events_and_rejects_reach_their_topics(broker: KafkaBroker) -> None:
    async def main() -> None:
        producer = await open_kafka([broker.bootstrap], 2)
        event = Event(
            type="track", message_id="1", site="s", time=1, received_at=1, anonymous_id="d"
        )
        await producer.append([event], [REJECT])
        await producer.close()

    asyncio.run(main())
    lines = [value for partition in (0, 1) for _, value in stored(broker, REJECTS.name, partition)]
    assert len(lines) == 1


@pytest.mark.kafka
@needs_tools
def test_another_partition_count_is_a_clear_error(broker: KafkaBroker) -> None:
    KafkaWriter([broker.bootstrap], 2).close()
    with pytest.raises(LogMismatch, match="has 2 partitions, not 3"):
        KafkaWriter([broker.bootstrap], 3)


@pytest.mark.kafka
@needs_tools
def test_a_broker_that_goes_away_is_overload_until_it_is_back(
    broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.producers.kafka.DELIVERY_MS", 2_500)
    monkeypatch.setattr("collectors.producers.kafka.REQUEST_MS", 2_000)
    writer = KafkaWriter([broker.bootstrap], 2)
    broker.stop()
    with pytest.raises(Overloaded):
        writer.write([Append(EVENTS.name, 0, 1, b"lost or not, never promised")])
    broker.start()
    for attempt in range(20):
        try:
            writer.write([Append(EVENTS.name, 0, 1, b"promised")])
            break
        except Overloaded:
            assert attempt < 19
    writer.close()
    assert [value for _, value in stored(broker, EVENTS.name, 0)].count(b"promised") == 1


def test_no_broker_is_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.producers.kafka.BOOTSTRAP_MS", 50)
    with pytest.raises(Overloaded):
        KafkaWriter([f"127.0.0.1:{free_port()}"], 1)


class _Answer:
    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def get(self, timeout: float) -> None:
        if self.error is not None:
            raise self.error


class _Client:
    """kafka-python's producer, as far as a write sees it."""

    def __init__(self, *answers: Exception | None, refused: Exception | None = None) -> None:
        self.answers, self.refused = [_Answer(one) for one in answers], refused
        self.sent: list[Any] = []
        self.closed = False

    def send(self, topic: str, value: bytes, **how: Any) -> _Answer:
        if self.refused is not None:
            raise self.refused
        self.sent.append((topic, value, how))
        return self.answers[len(self.sent) - 1]

    def close(self, timeout: float) -> None:
        self.closed = True


def writer_on(client: _Client) -> KafkaWriter:
    writer = KafkaWriter.__new__(KafkaWriter)
    writer._producer = client
    return writer


TWO = [Append(EVENTS.name, 0, 1, b"a"), Append(EVENTS.name, 1, 0, b"b")]


def test_one_failed_delivery_fails_the_commit() -> None:
    client = _Client(None, KafkaTimeoutError("late"))
    with pytest.raises(Overloaded, match="late"):
        writer_on(client).write(TWO)
    assert len(client.sent) == 2
    assert client.closed


@pytest.mark.parametrize(
    "error", [KafkaTimeoutError("no metadata"), MessageSizeTooLargeError("big")]
)
def test_a_record_that_cannot_be_sent_fails_the_commit(error: Exception) -> None:
    with pytest.raises(Overloaded):
        writer_on(_Client(refused=error)).write(TWO)


def test_a_record_names_its_partition_and_counts_its_events() -> None:
    client = _Client(None, None)
    writer_on(client).write(TWO)
    assert client.sent[1] == (EVENTS.name, b"b", {"headers": [("n", b"0")], "partition": 1})
