"""The log's time: what ticks say, except that an outage of the collectors is walked, not jumped.

While nothing collects, no tick is written and time stands still. The first tick afterwards would
decide at once that everybody who was looking at a page has given up, before the browsers have sent
again what they kept. So after a jump of the length of an outage, time catches up step by step: an
hour in less than two minutes of ticks a second. Longer jumps are taken at once: an import
into an old log, a machine that was off for the night; nobody waits for what was open then.
"""

from typing import Final

from msgspec.structs import replace

from schemas.events import LATEST_MS, Event
from schemas.time_units import HOUR_MS, MINUTE_MS

ORDINARY_MS: Final = 15 * MINUTE_MS
"""Ticks no further apart are time passing by, if fast: the demo has a tick every five minutes."""
OUTAGE_MS: Final = 6 * HOUR_MS
"""A longer jump is no outage that anybody's browser waits out."""

_SHARE: Final = 60
_MIN_STEP_MS: Final = 30_000


def advance(now: int, newest_tick: int, tick: int) -> int:
    """The log's time after a tick; all in ms, the result is never below `now`.

    `now` is the time before (0: none yet), `newest_tick` the newest one before. What time lags behind
    the tick shrinks by a sixtieth, and by 30 s at least, with every tick; so no clock that runs
    fast stays behind for ever, and one wrong tick an hour ahead moves time by a minute.
    """
    jump, lag = tick - newest_tick, tick - now
    if lag <= 0:
        return now
    if not now or jump > OUTAGE_MS:
        return tick
    elapsed_ms = max(jump, 0) if jump <= ORDINARY_MS else 0
    if elapsed_ms >= lag:
        return tick
    return min(tick, now + elapsed_ms + max(_MIN_STEP_MS, (lag - elapsed_ms) // _SHARE))


def with_corrected_receipt(event: Event, newest: int) -> Event:
    """The event as a collector with a right clock would have taken it; `newest` is the newest tick.

    Events come between two ticks, so one that was received long after the newest, or long before it,
    met a collector whose clock is wrong. By as much as it is beyond ORDINARY_MS, its readings are set
    right: `received_at`, the time of an event that said none, and what `sentAt` was corrected by.
    """
    received_at = min(max(event.received_at, newest - ORDINARY_MS), newest + ORDINARY_MS)
    offset_ms = event.received_at - received_at
    if not offset_ms or not newest:
        return event
    has_own_time = event.time != event.received_at
    corrected_time = event.corrected_time
    return replace(
        event,
        received_at=received_at,
        time=event.time if has_own_time else _clamp(event.time - offset_ms),
        corrected_time=corrected_time
        if not corrected_time or (has_own_time and corrected_time == event.time)
        else _clamp(corrected_time - offset_ms),
    )


def _clamp(time: int) -> int:
    return min(max(time, 0), LATEST_MS - 1)
