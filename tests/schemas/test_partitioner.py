"""The partitioner agrees with every Kafka client's default."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_murmur2

from schemas.partitioner import murmur2, partition_of


@given(st.binary(max_size=60))
def test_murmur2_is_kafkas(data: bytes) -> None:
    assert murmur2(data) == kafka_murmur2(data) & 0xFFFFFFFF


@given(st.text(max_size=40), st.integers(1, 64))
def test_a_key_has_one_partition_within_range(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
