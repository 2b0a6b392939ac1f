"""Apache Kafka as the log, through kafka-python: idempotent, `acks=all`, one commit in flight.

kafka-python itself would queue without bound; GroupCommit counts the bytes.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError, TopicAlreadyExistsError

from collectors.errors import LogMismatch, Overloaded
from collectors.producer import Append, GroupCommit
from schemas import topics

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

    Raises Overloaded where no broker answers, LogMismatch where a topic has other partitions.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="kafka-writer")
    loop = asyncio.get_running_loop()
    try:
        writer = await loop.run_in_executor(executor, KafkaWriter, bootstrap, partitions)
    except BaseException:
        executor.shutdown(wait=False)
        raise
    return GroupCommit(writer, partitions, executor=executor, **options)


class KafkaWriter:
    """A Writer on KafkaProducer. Blocks up to DELIVERY_MS."""

    def __init__(self, bootstrap: Sequence[str], partitions: int) -> None:
        servers = list(bootstrap)
        try:
            _make_topics(servers, partitions)
            self._producer = KafkaProducer(
                bootstrap_servers=servers,
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
                _check(topic, self._producer.partitions_for(topic), partitions)
        except KafkaError as error:
            raise Overloaded(f"Kafka at {', '.join(servers)} cannot be used: {error}.") from error

    def write(self, records: Sequence[Append]) -> None:
        """Send all, then wait for all, so that the next commit cannot overtake this one."""
        failure: KafkaError | None = None
        sent = []
        for record in records:
            try:
                sent.append(self._send(record))
            except KafkaError as error:
                failure = error
                break
        for future in sent:
            try:
                future.get(timeout=2 * DELIVERY_MS / 1_000)
            except KafkaError as error:
                failure = failure or error
        if failure is not None:
            raise Overloaded(f"Kafka did not take the events: {failure!r}.") from failure

    def _send(self, record: Append) -> Any:
        return self._producer.send(
            record.topic,
            record.value,
            headers=[(EVENTS_HEADER, b"%d" % record.events)],
            partition=record.partition,
        )

    def close(self) -> None:
        """Everything was awaited, so nothing is left to send."""
        self._producer.close(timeout=METADATA_MS / 1_000)


def _make_topics(servers: list[str], partitions: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers, bootstrap_timeout_ms=BOOTSTRAP_MS)
    try:
        there = set(admin.list_topics())
        missing = {topic: {"num_partitions": partitions} for topic in _TOPICS if topic not in there}
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
