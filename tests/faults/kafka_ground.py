"""Apache Kafka and a warehouse behind a connection: what several workers stand on."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from pipeline.engine.transports import parts
from pipeline.engine.transports.kafka_client import deltas_topic, snapshots_topic
from pipeline.flow import FLOW
from tests.clickhouse_service.process import Service
from tests.faults.ground import Position, Progress
from tests.kafka.broker import KafkaBroker

POLL_MS: Final = 100
STAGES: Final = {
    name(spec.agent): spec.agent for spec in FLOW for name in (deltas_topic, snapshots_topic)
}
SOURCES: Final = {spec.reads.name: spec.agent for spec in FLOW}


class KafkaGround:
    """A broker of its own, and the service in front of chDB."""

    def __init__(self, directory: Path) -> None:
        self.broker = KafkaBroker()
        self.service = Service(directory / "warehouse")
        self._watched: _Watched | None = None
        self._known: Progress = {}
        self.broker.__enter__()
        try:
            self.service.start()
        except BaseException:
            self.close()
            raise

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "FOOTFALL_LOG": f"kafka://{self.broker.bootstrap}",
            "FOOTFALL_WAREHOUSE": self.service.url,
        }

    def progress(self) -> Progress:
        try:
            self._watched = self._watched or _Watched(self.broker.bootstrap)
            self._known = self._watched.look()
        except KafkaError:
            self.forget()
        return self._known

    def forget(self) -> None:
        """Connect anew at the next look."""
        if self._watched is not None:
            self._watched.close()
            self._watched = None

    def close(self) -> None:
        self.forget()
        self.service.kill()
        self.broker.__exit__(None, None, None)


class _Watched:
    """Follows the topics of deltas and snapshots, as a loading worker would read them."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer: Any = KafkaConsumer(
            bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
        )
        self._collectors: dict[Any, parts.Collector] = defaultdict(parts.Collector)
        self._applied: dict[tuple[str, int], int] = {}

    def look(self) -> Progress:
        """Read what is new, to the end; then ask how long the source topics are."""
        state, sources = self._places(STAGES), self._places(SOURCES)
        if not state or not sources:
            return {}
        if self._consumer.assignment() != set(state):
            self._consumer.assign(state)
        self._read_on(self._consumer.end_offsets(state))
        return {
            (SOURCES[tp.topic], tp.partition): Position(
                end, self._applied.get((SOURCES[tp.topic], tp.partition), -1)
            )
            for tp, end in self._consumer.end_offsets(sources).items()
        }

    def _places(self, topics: Mapping[str, str]) -> list[Any]:
        there = self._consumer.topics() & set(topics)
        return [
            TopicPartition(topic, number)
            for topic in sorted(there)
            for number in sorted(self._consumer.partitions_for_topic(topic) or ())
        ]

    def _read_on(self, ends: Mapping[Any, int]) -> None:
        while any(self._consumer.position(tp) < end for tp, end in ends.items()):
            for tp, records in self._consumer.poll(timeout_ms=POLL_MS).items():
                for record in records:
                    self._take(tp, record.value)

    def _take(self, tp: Any, part: bytes) -> None:
        whole = self._collectors[tp].add(part)
        if whole is not None:
            key = (STAGES[tp.topic], tp.partition)
            self._applied[key] = max(whole.applied, self._applied.get(key, -1))

    def close(self) -> None:
        self._consumer.close()
