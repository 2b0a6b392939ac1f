"""The fixtures of the conformance suite that tests of Kafka alone use as well."""

from tests.conformance.conftest import kafka_log, stage

__all__ = ["kafka_log", "stage"]
