"""What Footfall's Kafka clients share: topics, record headers, the errors they turn into ours."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
    for_code,
)

from pipeline.engine.stage import Record
from pipeline.errors import BadSetting, LogUnavailable
from schemas import topics

EVENTS_HEADER: Final = "n"
"""Header of every record on a topic of `schemas.topics.ALL`: its lines, ASCII digits."""

LOG_TOPIC: Final = "footfall-log"
"""One partition whose first record is the log's id."""

_UNLIMITED_RETENTION: Final = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
}


def deltas_topic(stage: str) -> str:
    """Where a stage's deltas are."""
    return f"footfall-{stage}{topics.DELTAS_SUFFIX}"


def snapshots_topic(stage: str) -> str:
    """Where a stage's snapshots are."""
    return f"footfall-{stage}{topics.SNAPSHOTS_SUFFIX}"


def events_header(events: int) -> list[tuple[str, bytes]]:
    """The headers of a record of `events` lines."""
    return [(EVENTS_HEADER, b"%d" % events)]


def record_of(record: Any) -> Record:
    """An aiokafka ConsumerRecord as ours. Without a header (other producers), lines are counted."""
    value = record.value or b""
    for name, count in record.headers:
        if name == EVENTS_HEADER and count.isdigit():
            return Record(record.offset, int(count), value)
    return Record(record.offset, value.count(b"\n") + (value[-1:] not in (b"", b"\n")), value)


@contextmanager
def unavailable(action: str) -> Iterator[None]:
    """Raises LogUnavailable for Kafka's errors and for lost time: `action` could not be done."""
    try:
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise LogUnavailable(f"Kafka could not {action}: {error!r}.") from error


async def ensure_topics(
    bootstrap: str, stages: Sequence[str], partitions: int, replication: int = 1
) -> None:
    """Make the topics that are missing; raises BadSetting where one has other partitions, or where
    there are fewer brokers than copies are wanted.

    Deltas and snapshots are kept until a newer snapshot deletes them; the others follow the
    broker's retention. `stages` are the stages' names.
    """
    data = [topic.name for topic in topics.ALL]
    state = [name(stage) for stage in stages for name in (deltas_topic, snapshots_topic)]
    safe = {"min.insync.replicas": str(max(1, replication - 1))}
    new_topics = [
        *(NewTopic(name, partitions, replication, topic_configs=safe) for name in data),
        *(
            NewTopic(name, partitions, replication, topic_configs=safe | _UNLIMITED_RETENTION)
            for name in state
        ),
        NewTopic(LOG_TOPIC, 1, replication, topic_configs=safe | _UNLIMITED_RETENTION),
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    with unavailable(f"make Footfall's topics on {bootstrap}"):
        try:
            await admin.start()
            await _create(admin, new_topics)
            await _check(admin, [*data, *state], partitions)
        finally:
            await admin.close()


async def _create(admin: AIOKafkaAdminClient, new_topics: Sequence[NewTopic]) -> None:
    answer = await admin.create_topics(new_topics)
    for _topic, code, *_ in answer.topic_errors:
        if code == InvalidReplicationFactorError.errno:
            raise BadSetting(
                f"The setting `replication` wants {new_topics[0].replication_factor} copies of every "
                "topic; there are fewer brokers. Start more, or set it lower."
            )
        if code not in (0, TopicAlreadyExistsError.errno):
            raise for_code(code)


async def _check(admin: AIOKafkaAdminClient, names: Sequence[str], partitions: int) -> None:
    for topic in await admin.describe_topics(list(names)):
        count = len(topic["partitions"])
        if count not in (0, partitions):  # 0: so new that this broker has not heard of it
            raise BadSetting(
                f"Topic {topic['topic']} has {count} partitions, the setting `partitions` says "
                f"{partitions}. The count is fixed when the log is made: set it to {count}."
            )
