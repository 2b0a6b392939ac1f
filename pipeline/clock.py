"""The one place in `pipeline` that reads what time it is: real, or faster for demonstrations.

How long something takes is measured elsewhere too (`time.monotonic`), and compared with nothing.
tests/pipeline/test_clock.py holds it to that.
"""

import time
from collections.abc import Callable
from time import time_ns
from typing import Final

from schemas.time_units import MINUTE_MS

Clock = Callable[[], int]
"""Answers ms since 1970, UTC."""


def wall() -> int:
    """The real time."""
    return time_ns() // 1_000_000


def running() -> int:
    """Milliseconds since this machine started, sleep included where the system can say so."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000


def clock(pace: tuple[int, int, float] | None, real: Clock = wall) -> Clock:
    """`pace` is (start, wall, speed), ms: `start` at wall time `wall`, then `speed` times as fast."""
    if pace is None:
        return real
    start_ms, wall_start_ms, speed = pace
    return lambda: start_ms + int((real() - wall_start_ms) * speed)


STEP_MS: Final = 1_000
"""A wall clock that has moved by more than this against the machine's was set."""
LASTING_MS: Final = MINUTE_MS
"""A step ahead is believed when it has lasted so long."""


class SteadyClock:
    """A wall clock that is not led ahead for a moment: what is decided by a wrong time stays decided.

    A step ahead is believed after LASTING_MS, until then the old time goes on; a step back at once.
    Sleep is no step, as the machine's own clock counts it.
    """

    def __init__(self, wall: Clock = wall, running: Clock = running) -> None:
        self._wall, self._running = wall, running
        self._offset_ms = wall() - running()
        self._step_since_ms: int | None = None

    def __call__(self) -> int:
        """Milliseconds since 1970, UTC."""
        now = self._running()
        offset_ms = self._wall() - now
        if offset_ms - self._offset_ms > STEP_MS:
            if self._step_since_ms is None:
                self._step_since_ms = now
            if now - self._step_since_ms < LASTING_MS:
                return self._offset_ms + now
        self._offset_ms, self._step_since_ms = offset_ms, None
        return offset_ms + now
