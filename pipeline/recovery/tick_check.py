"""Ticks are believed as far as this worker's own clock goes: one fast collector must not lead time.

Time in the log never goes back, so what a tick of tomorrow decides is wrong for good. A tick that is
ahead is taken out before it is folded: its record has no effect but that it is passed. Should the
worker die just then, whatever the second look finds is consistent; and what was believed once is
believed again, as this clock only goes on.
"""

from datetime import UTC, datetime
from typing import Final

from pipeline.alarms import Alarm, Alarms
from pipeline.clock import Clock
from pipeline.engine.stage import Record
from schemas.ticks import tick_time
from schemas.time_units import HOUR_MS, MINUTE_MS

TOLERANCE_MS: Final = MINUTE_MS
"""How far a collector's clock may be ahead of the worker's."""
QUIET_MS: Final = MINUTE_MS
"""The alarm is lowered when no tick was ahead for so long, and one was right."""
ALARM_PART: Final = "clock"


class TickFilter:
    """Looks at each record of events before it is folded, and tells of clocks that are ahead."""

    def __init__(self, clock: Clock, alarms: Alarms) -> None:
        """`clock` is the worker's own, in the log's time."""
        self._clock, self._alarms = clock, alarms
        self._ahead_ms = 0
        self._count = self._right = 0
        self._since_ms = self._last_ms = 0

    def is_ahead(self, record: Record) -> bool:
        """Whether a record is a tick of a time that has not come yet."""
        tick_ms = tick_time(record.value)
        if tick_ms is None:
            return False
        now_ms = self._clock()
        if tick_ms <= now_ms + TOLERANCE_MS:
            self._count_right(now_ms)
            return False
        self._count_ahead(now_ms, tick_ms - now_ms)
        return True

    def _count_right(self, now_ms: int) -> None:
        self._right += 1
        if self._count and now_ms - self._last_ms > QUIET_MS:
            self._count = self._ahead_ms = 0
            self._alarms.clear(ALARM_PART)

    def _count_ahead(self, now_ms: int, ahead_ms: int) -> None:
        if not self._count:
            self._since_ms, self._right = now_ms, 0
        self._count, self._last_ms = self._count + 1, now_ms
        self._ahead_ms = max(self._ahead_ms, ahead_ms)
        since = datetime.fromtimestamp(self._since_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        text = f"since {since} a collector's clock is up to {duration(self._ahead_ms)} ahead of this worker's"
        if self._right:
            self._put(f"{text}: its ticks are left out")
        else:
            self._put(f"{text}, and none is right: time stands still, nothing is decided")

    def _put(self, text: str) -> None:
        advice = "Set that machine's clock right (NTP); if it is right, set this one's."
        self._alarms.put(Alarm(ALARM_PART, text, advice))


def duration(ms: int) -> str:
    """`90 s`, `48.0 h`, `13 years`."""
    if ms < 600_000:
        return f"{ms / 1000:.0f} s"
    hours = ms / HOUR_MS
    return f"{hours:.1f} h" if hours < 1000 else f"{hours / 8766:.1f} years"
