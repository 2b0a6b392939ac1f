"""From a batch's outputs to records: one per topic and partition, cut at the size limit."""

from collections.abc import Iterable, Iterator

import msgspec

from pipeline.engine.stage import Output
from schemas.log_records import Append
from schemas.partitioner import partition_of
from schemas.topics import MAX_RECORD_BYTES

_encode = msgspec.json.Encoder().encode


def records_of(outputs: Iterable[Output], partitions: int) -> Iterator[Append]:
    """NDJSON records in a stable order: topics and partitions as they first appear."""
    lines: dict[tuple[str, int], list[bytes]] = {}
    for output in outputs:
        partition = output.partition
        if partition is None:
            partition = partition_of(output.key, partitions)
        destination = (output.topic.name, partition)
        lines.setdefault(destination, []).append(_encode(output.message))
    for (topic, partition), texts in lines.items():
        for group in _within_limit(texts):
            yield Append(topic, partition, len(group), b"\n".join(group))


def _within_limit(texts: list[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for text in texts:
        if group and size + len(text) + 1 > MAX_RECORD_BYTES:
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text) + 1
    if group:
        yield group
