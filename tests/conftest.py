"""Fixtures that tests in several folders share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.kafka.broker import KafkaBroker, missing_tools

# The same examples in every run, and no verdict by the clock of a busy machine.
settings.register_profile("footfall", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("footfall")


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[KafkaBroker]:
    """One broker for the session; skips where it cannot be had."""
    if reason := missing_tools():
        pytest.skip(reason)
    with KafkaBroker() as broker:
        yield broker
