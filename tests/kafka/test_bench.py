"""`footfall bench collector` on a broker."""

import asyncio

import pytest

from footfall.bench.collector import measure
from footfall.bench.compare import BenchError
from schemas import topics
from tests.conformance.conftest import KafkaLog

pytestmark = pytest.mark.kafka


def test_a_broker_that_somebody_uses_is_not_written_to(kafka_log: KafkaLog) -> None:
    asyncio.run(kafka_log.collect(topics.EVENTS.name, 0, [b"{}"]))
    with pytest.raises(BenchError, match="holds events already"):
        measure(f"kafka://{kafka_log.bootstrap}", 0.01, 1, lambda text: None)
