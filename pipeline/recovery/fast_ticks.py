"""Which ticks of a log were of a clock that ran ahead, seen from later: pure.

A tick that is right is reached by those that come after it. One that hardly any of them reaches was
ahead. Neither one slow tick decides, nor a burst of fast ones: of the next 64, and of the next blocks
of 64 up to some 18 hours, a quarter would have to agree. To call a right tick wrong does no harm, as the
next one moves time; so a clock that was slow for a while is not looked for.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from pipeline.recovery.tick_check import TOLERANCE_MS, duration

_BLOCK: Final = 64
_LEAST: Final = 16
"""Fewer later ticks than this say nothing."""
_SPANS: Final = (1, 4, 16, 64, 256, 1024)
"""Blocks that are looked at together."""

Tick = tuple[int, int]
"""Offset and time, ms."""


class Stretch(NamedTuple):
    """Ticks near each other that were ahead: their offsets, and by how much at most, ms."""

    partition: int
    offsets: tuple[int, ...]
    ahead: int
    first: int
    last: int

    def __str__(self) -> str:
        first, last = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (self.first, self.last))
        return (
            f"partition {self.partition}, offsets {self.offsets[0]} to {self.offsets[-1]}: "
            f"{len(self.offsets)} ticks from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC, "
            f"up to {duration(self.ahead)} ahead"
        )


def stretches(partition: int, ticks: Sequence[Tick], now: int) -> list[Stretch]:
    """The ticks of a partition that were ahead, in order; `now` is the time, ms."""
    tops = _tops([time for _, time in ticks])
    found: list[list[tuple[int, int, int, int]]] = []
    for place, (offset, time) in enumerate(ticks):
        ahead = _ahead(ticks, place, tops, now)
        if ahead <= TOLERANCE_MS:
            continue
        if found and place - found[-1][-1][0] <= _BLOCK:  # right ones of others stand between
            found[-1].append((place, offset, time, ahead))
        else:
            found.append([(place, offset, time, ahead)])
    return [
        Stretch(
            partition,
            tuple(one[1] for one in run),
            max(one[3] for one in run),
            min(one[2] for one in run),
            max(one[2] for one in run),
        )
        for run in found
    ]


def _ahead(ticks: Sequence[Tick], place: int, tops: list[list[int]], now: int) -> int:
    """By how much a tick is ahead of what later ones agree on, or of now; 0 or less: it is not."""
    time = ticks[place][1]
    ahead = time - now
    later = [time for _, time in ticks[place + 1 : place + 1 + _BLOCK]]
    if len(later) >= _LEAST:
        ahead = max(ahead, time - _top(later))
    block = place // _BLOCK + 1
    return max([ahead, *(time - row[block] for row in tops if block < len(row))])


def _tops(times: Sequence[int]) -> list[list[int]]:
    """For each span, of every block that it fits behind: what a quarter of its blocks reach."""
    whole = range(0, len(times) - _BLOCK + 1, _BLOCK)
    blocks = [_top(times[at : at + _BLOCK]) for at in whole]
    return [
        [_top(blocks[at : at + span]) for at in range(len(blocks) - span + 1)] for span in _SPANS
    ]


def _top(times: Sequence[int]) -> int:
    """The time that a quarter of them reach."""
    return sorted(times, reverse=True)[len(times) // 4]
