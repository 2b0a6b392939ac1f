"""Settings that only a Kafka log has."""

import asyncio

import pytest

from pipeline.engine.transports.kafka_client import ensure_topics
from pipeline.errors import BadSetting
from tests.conformance.conftest import PARTITIONS
from tests.kafka.broker import KafkaBroker

pytestmark = pytest.mark.kafka


def test_more_copies_than_brokers_is_a_wrong_setting_and_not_tried_again(
    kafka_broker: KafkaBroker, stage: str
) -> None:
    with pytest.raises(BadSetting, match="`replication` wants 2 copies"):
        asyncio.run(ensure_topics(kafka_broker.bootstrap, [stage], PARTITIONS, replication=2))
