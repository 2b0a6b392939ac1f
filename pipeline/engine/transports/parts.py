"""Bodies of any size as records of limited size, and back: for deltas and snapshots on Kafka.

Every part carries a 40-byte head: the whole's id (16 random bytes), `lo`, `applied` (int64), this
part's number (uint32) with a flag in its top bit where a body goes on in the next part, and the
number of parts (uint32). A whole with a part missing does not exist: its writer died, or a later
snapshot's deletion cut it. Parts of several writers may interleave; ids keep them apart.
"""

import struct
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from schemas.topics import MAX_RECORD_BYTES

_HEAD: Final = struct.Struct(">16sqqII")
_GOES_ON: Final = 1 << 31
BODY_BYTES: Final = MAX_RECORD_BYTES - _HEAD.size


class PartGroup(NamedTuple):
    """Bodies that were split together."""

    lo: int
    applied: int
    bodies: list[bytes]


def split(applied: int, bodies: Iterable[bytes], lo: int = 0) -> Iterator[bytes]:
    """The parts of a whole, in the order to store them: at least one, none too large.

    Goes through `bodies` twice, to count the parts before the first, and holds one at a time.
    """
    group_id, count = uuid.uuid4().bytes, sum(1 for _ in _cuts(bodies))
    for number, (cut, goes_on) in enumerate(_cuts(bodies)):
        number_field = number | _GOES_ON if goes_on else number
        yield _HEAD.pack(group_id, lo, applied, number_field, max(count, 1)) + cut
    if not count:
        yield _HEAD.pack(group_id, lo, applied, 0, 1)


def _cuts(bodies: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Pieces that fit, and whether their body goes on."""
    for body in bodies:
        for at in range(0, max(len(body), 1), BODY_BYTES):
            yield body[at : at + BODY_BYTES], at + BODY_BYTES < len(body)


def applied_of(part: bytes) -> int:
    """The `applied` of the whole that this part belongs to."""
    return int(_HEAD.unpack_from(part)[2])


class Collector:
    """Puts parts together again, read in log order from any point."""

    def __init__(self) -> None:
        self._open: dict[bytes, list[tuple[bytes, bool]]] = {}

    def add(self, part: bytes) -> PartGroup | None:
        """The whole that this part completes, or None."""
        group_id, lo, applied, number_field, count = _HEAD.unpack_from(part)
        number, goes_on = number_field & ~_GOES_ON, bool(number_field & _GOES_ON)
        cuts = self._open.setdefault(group_id, [])
        if number != len(cuts):  # its beginning is gone
            return None
        cuts.append((part[_HEAD.size :], goes_on))
        if len(cuts) < count:
            return None
        del self._open[group_id]
        return PartGroup(lo, applied, list(_join(cuts)))


def _join(cuts: Sequence[tuple[bytes, bool]]) -> Iterator[bytes]:
    body: list[bytes] = []
    for cut, goes_on in cuts:
        body.append(cut)
        if not goes_on:
            yield b"".join(body) if len(body) > 1 else cut
            body = []
