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
_MIN_LATER_TICKS: Final = 16
"""Fewer later ticks than this say nothing."""
_SPANS: Final = (1, 4, 16, 64, 256, 1024)
"""Blocks that are looked at together."""

Tick = tuple[int, int]
"""Offset and time, ms."""


class Stretch(NamedTuple):
    """Ticks near each other that were ahead: their offsets, by how much at most, and their times."""

    partition: int
    offsets: tuple[int, ...]
    ahead_ms: int
    first_ms: int
    last_ms: int

    def __str__(self) -> str:
        first, last = (
            datetime.fromtimestamp(ms / 1000, UTC) for ms in (self.first_ms, self.last_ms)
        )
        return (
            f"partition {self.partition}, offsets {self.offsets[0]} to {self.offsets[-1]}: "
            f"{len(self.offsets)} ticks from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC, "
            f"up to {duration(self.ahead_ms)} ahead"
        )


def stretches(partition: int, ticks: Sequence[Tick], now_ms: int) -> list[Stretch]:
    """The ticks of a partition that were ahead, in order; `now_ms` is the time."""
    reaches = _quarter_reaches([time_ms for _, time_ms in ticks])
    runs: list[list[tuple[int, int, int, int]]] = []
    for index, (offset, time_ms) in enumerate(ticks):
        ahead_ms = _ahead(ticks, index, reaches, now_ms)
        if ahead_ms <= TOLERANCE_MS:
            continue
        if runs and index - runs[-1][-1][0] <= _BLOCK:  # right ones of others stand between
            runs[-1].append((index, offset, time_ms, ahead_ms))
        else:
            runs.append([(index, offset, time_ms, ahead_ms)])
    return [
        Stretch(
            partition,
            tuple(tick[1] for tick in run),
            max(tick[3] for tick in run),
            min(tick[2] for tick in run),
            max(tick[2] for tick in run),
        )
        for run in runs
    ]


def _ahead(ticks: Sequence[Tick], index: int, reaches: list[list[int]], now_ms: int) -> int:
    """By how much a tick is ahead of what later ones agree on, or of now; 0 or less: it is not."""
    time_ms = ticks[index][1]
    ahead_ms = time_ms - now_ms
    later = [time_ms for _, time_ms in ticks[index + 1 : index + 1 + _BLOCK]]
    if len(later) >= _MIN_LATER_TICKS:
        ahead_ms = max(ahead_ms, time_ms - _quarter_reach(later))
    block = index // _BLOCK + 1
    return max([ahead_ms, *(time_ms - row[block] for row in reaches if block < len(row))])


def _quarter_reaches(times: Sequence[int]) -> list[list[int]]:
    """For each span, of every block that it fits behind: what a quarter of its blocks reach."""
    starts = range(0, len(times) - _BLOCK + 1, _BLOCK)
    blocks = [_quarter_reach(times[start : start + _BLOCK]) for start in starts]
    return [
        [_quarter_reach(blocks[start : start + span]) for start in range(len(blocks) - span + 1)]
        for span in _SPANS
    ]


def _quarter_reach(times: Sequence[int]) -> int:
    """The time that a quarter of them reach."""
    return sorted(times, reverse=True)[len(times) // 4]
