"""Traffic straight into log records, without HTTP or processes: the product's own admission."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from collectors.admission import admit
from collectors.dialects.contract import Request
from schemas import topics
from schemas.events import Event, key_of, tick
from schemas.log_records import Append
from schemas.partitioner import partition_of
from tests.faults.traffic import Sending

PARTITIONS: Final = 2
LATER_MS: Final = 30 * 86_400_000
"""After the last event time moves on by so much, twice: every session is over, all is decided."""

_encode = msgspec.json.Encoder().encode


def records(sendings: Sequence[Sending], sendings_per_tick: int = 3) -> Iterator[Append]:
    """One record a request and partition, as the collector writes them, with ticks between."""
    for number, sending in enumerate(sendings):
        by_partition: dict[int, list[Event]] = {}
        for event in _events(sending, str(number)):
            partition = partition_of(key_of(event), PARTITIONS)
            by_partition.setdefault(partition, []).append(event)
        for partition, events in by_partition.items():
            yield Append(
                topics.EVENTS.name, partition, len(events), b"\n".join(map(_encode, events))
            )
        if number % sendings_per_tick == 0:
            yield from _ticks(sending.at)
    end = max(sending.at for sending in sendings)
    yield from _ticks(end + LATER_MS)
    yield from _ticks(end + 2 * LATER_MS)  # what was forgotten at the first must stay as it was


def accepted(sendings: Sequence[Sending]) -> Iterator[str]:
    """What a driver would have written down."""
    return (json.dumps({"status": 200, **sending._asdict()}) for sending in sendings)


def _events(sending: Sending, nonce: str) -> list[Event]:
    body = json.dumps(sending.body).encode()
    request = Request(sending.path, "", {}, body, sending.at, nonce)
    admitted = admit(request, {})
    assert not admitted.rejects, admitted.rejects
    return admitted.events


def _ticks(now: int) -> Iterator[Append]:
    for partition in range(PARTITIONS):
        yield Append(topics.EVENTS.name, partition, 0, _encode(tick(now)))
