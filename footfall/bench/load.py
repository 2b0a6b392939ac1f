"""The benchmark's events: 380 bytes each in JSON, 100,000 visitors, 2 % of them identify."""

from collections.abc import Iterator
from random import Random
from typing import Final

import msgspec

from schemas.events import Event
from schemas.partitioner import partition_of

VISITORS: Final = 100_000
IDENTIFY: Final = 0.02
START_MS: Final = 1_760_000_000_000
STEP_MS: Final = 4
_PATHS: Final = tuple(f"/product/{number}" for number in range(300))


def lines(events: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """(key, JSON line) of each event, in time order."""
    random, encode = Random(seed), msgspec.json.Encoder().encode  # noqa: S311 - traffic
    for number in range(events):
        event = _event(random, START_MS + number * STEP_MS)
        yield event.anonymous_id, encode(event)


def records(
    events: int, per_record: int, partitions: int, seed: int
) -> Iterator[tuple[int, int, bytes]]:
    """(partition, events, NDJSON) with `per_record` events each, as a collector would gather."""
    waiting: list[list[bytes]] = [[] for _ in range(partitions)]
    for key, line in lines(events, seed):
        partition = partition_of(key, partitions)
        waiting[partition].append(line)
        if len(waiting[partition]) == per_record:
            yield partition, per_record, b"\n".join(waiting[partition])
            waiting[partition] = []
    for partition, remainder in enumerate(waiting):
        if remainder:
            yield partition, len(remainder), b"\n".join(remainder)


def _event(random: Random, time: int) -> Event:
    visitor = random.randrange(VISITORS)
    existing = random.random() < IDENTIFY
    path = random.choice(_PATHS)
    return Event(
        type="identify" if existing else random.choice(("page", "track")),
        message_id=f"{random.getrandbits(96):024x}",
        site="shop",
        time=time,
        received_at=time + 80,
        corrected_time=time,
        anonymous_id=f"anon-{visitor:08d}",
        identifiers=(f"user_id:u{visitor}",) if existing else (),
        event="Product Clicked",
        url=f"https://shop.example{path}",
        path=path,
        title="A product that somebody looked at",
        device_class="mobile",
        properties=msgspec.Raw(b'{"position":3,"list":"search"}'),
    )
