"""What both sides of a log append: records of lines."""

from typing import NamedTuple


class Append(NamedTuple):
    """A record to append. `value` is NDJSON; `events` counts its lines, ticks left out."""

    topic: str
    partition: int
    events: int
    value: bytes
