"""Apache Kafka as the log, through kafka-python: idempotent, `acks=all`, one commit in flight.

kafka-python itself would queue without bound; GroupCommit counts the bytes.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from threading import Thread
from time import monotonic
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError, TopicAlreadyExistsError

from collectors.errors import LogMismatch, Overloaded
from collectors.producers.base import GroupCommit
from schemas import topics
from schemas.log_records import Append

EVENTS_HEADER: Final = "n"
"""Header of every record: its events, in ASCII digits."""
DELIVERY_MS: Final = 15_000
"""How long a commit may take before its requests get a 503: a leader's election fits in."""
REQUEST_MS: Final = 10_000
METADATA_MS: Final = 5_000
BOOTSTRAP_MS: Final = 10_000
RECONNECT_MS: Final = 2_000
"""A broker that is back is noticed within this; kafka-python would wait up to 30 s."""
_TOPICS: Final = tuple(topic.name for topic in topics.ALL if topic.writer == "collector")


async def open_kafka(bootstrap: Sequence[str], partitions: int, **options: Any) -> GroupCommit:
    """A Producer on Kafka; its topics are made where missing. `options` are GroupCommit's.

    It can be cancelled at any time: kafka-python blocks for BOOTSTRAP_MS and longer where no broker
    answers, but does so in a thread that keeps no process from ending. Raises Overloaded where no
    broker answers, LogMismatch where a topic has other partitions.
    """
    stream: Future[KafkaWriter] = Future()
    stream.set_running_or_notify_cancel()
    opening = partial(KafkaWriter, bootstrap, partitions)
    Thread(target=_settle, args=(stream, opening), name="kafka-opening", daemon=True).start()
    writer: KafkaWriter = await asyncio.wrap_future(stream)
    return GroupCommit(writer, partitions, **options)


def _settle(stream: "Future[KafkaWriter]", opening: "Callable[[], KafkaWriter]") -> None:
    try:
        stream.set_result(opening())
    except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
        stream.set_exception(error)


class KafkaWriter:
    """A Writer on KafkaProducer. Blocks up to DELIVERY_MS and some seconds.

    A commit that failed costs the producer: one that was cut off with an idempotent batch in flight
    may never send again (kafka-python 3.0.12, whatever the broker does). The next commit makes a
    new one. Opening raises Overloaded and LogMismatch.
    """

    def __init__(self, bootstrap: Sequence[str], partitions: int) -> None:
        self._servers, self._partitions = list(bootstrap), partitions
        try:
            _make_topics(self._servers, partitions)
        except KafkaError as error:
            raise self._unusable(error) from error
        self._producer: KafkaProducer | None = self._connect()

    def _connect(self) -> KafkaProducer:
        try:
            producer = KafkaProducer(
                bootstrap_servers=self._servers,
                bootstrap_timeout_ms=BOOTSTRAP_MS,
                acks="all",
                enable_idempotence=True,
                delivery_timeout_ms=DELIVERY_MS,
                request_timeout_ms=REQUEST_MS,
                max_block_ms=METADATA_MS,
                reconnect_backoff_max_ms=RECONNECT_MS,
                allow_auto_create_topics=False,
            )
            for topic in _TOPICS:  # also warms the metadata: `send` would block for it
                _check(topic, producer.partitions_for(topic), self._partitions)
        except KafkaError as error:
            raise self._unusable(error) from error
        return producer

    def _unusable(self, error: KafkaError) -> Overloaded:
        return Overloaded(f"Kafka at {', '.join(self._servers)} cannot be used: {error}.")

    def write(self, records: Sequence[Append]) -> None:
        """Send all, then wait for all, so that the next commit cannot overtake this one.

        Raises Overloaded.
        """
        producer = self._producer = self._producer or self._connect()
        deadline = monotonic() + DELIVERY_MS / 1_000 + 1
        try:
            sent = [_send(producer, record) for record in records]
            for future in sent:
                future.get(timeout=max(0.0, deadline - monotonic()))
        except KafkaError as error:
            self._producer = None
            producer.close(timeout=0)
            raise Overloaded(f"Kafka did not take the events: {error!r}.") from error

    def close(self) -> None:
        """Everything was awaited, so nothing is left to send."""
        if self._producer is not None:
            self._producer.close(timeout=METADATA_MS / 1_000)


def _send(producer: KafkaProducer, record: Append) -> Any:
    return producer.send(
        record.topic,
        record.value,
        headers=[(EVENTS_HEADER, b"%d" % record.events)],
        partition=record.partition,
    )


def _make_topics(servers: list[str], partitions: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers, bootstrap_timeout_ms=BOOTSTRAP_MS)
    try:
        remote = set(admin.list_topics())
        missing = {
            topic: {"num_partitions": partitions} for topic in _TOPICS if topic not in remote
        }
        if missing:
            admin.create_topics(missing, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        pass  # another collector, or a worker, was quicker
    finally:
        admin.close()


def _check(topic: str, found: set[int] | None, partitions: int) -> None:
    if found is not None and len(found) != partitions:
        raise LogMismatch(
            f"Topic {topic} has {len(found)} partitions, not {partitions}; the number is fixed "
            f"when a log is made. Set {len(found)}, or begin with other topics."
        )
