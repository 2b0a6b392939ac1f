"""Fixtures that tests in several folders share."""

from collections.abc import Iterator

import pytest

from tests.kafka.broker import KafkaBroker, missing_tools


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[KafkaBroker]:
    """One broker for the session; skips where it cannot be had."""
    if reason := missing_tools():
        pytest.skip(reason)
    with KafkaBroker() as broker:
        yield broker
