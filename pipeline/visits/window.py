"""Which stored events could be repeats that are no longer recognised, as what they repeat is forgotten.

Only so many can be merged by the warehouse; whatever else it lacks was lost.
"""

from typing import Final

from pipeline.state.keyed import Keyed
from pipeline.visits.device import MAX_MARKS, Device

FORGOTTEN: Final = "forgotten"
"""Devices are forgotten whose last event was at this time, ms, or before."""
AHEAD_FROM: Final = "ahead_from"
AHEAD_TO: Final = "ahead_to"
"""… and some whose clock was ahead: between these two times."""
BUCKETS: Final = "buckets_forgotten"
"""What came without a device at this time, ms, or before may be forgotten."""
PRESSED: Final = "pressed"
"""The log's time when there were last too many devices to remember each for all of the lateness."""


def forget_device(clock: Keyed[int], last: int, now: int) -> None:
    """A device is forgotten whose last event was at `last`, ms."""
    _raise(clock, FORGOTTEN, min(last, now))
    if last > now:
        known = clock.get(AHEAD_FROM)
        if known is None or now < known:
            clock.put(AHEAD_FROM, now)
        _raise(clock, AHEAD_TO, last)


def forget_bucket(clock: Keyed[int], end: int) -> None:
    """A bucket of what came without a device is forgotten; it held times before `end`, ms."""
    _raise(clock, BUCKETS, end)


def press(clock: Keyed[int], now: int) -> None:
    """There are too many devices now."""
    _raise(clock, PRESSED, now)


def beyond_device(clock: Keyed[int], time: int) -> bool:
    """Whether an event of a device that is not known may be one of a forgotten device."""
    if time <= (clock.get(FORGOTTEN) or 0):
        return True
    ahead = clock.get(AHEAD_TO)
    return ahead is not None and (clock.get(AHEAD_FROM) or 0) <= time <= ahead


def beyond_marks(clock: Keyed[int], device: Device, time: int, lateness: int, least: int) -> bool:
    """Whether an event is older than what is remembered of its device.

    `least` is the lateness of pressed times. To be asked before the event is remembered.
    """
    now, marks = clock.get("now") or 0, device.marks
    if now - (clock.get(PRESSED) or -lateness) < lateness:
        lateness = least
    if time < now - device.skew - lateness:
        return True
    dropped = device.carry is not None or len(marks) >= MAX_MARKS
    return dropped and bool(marks) and time <= marks[0].time


def beyond_buckets(clock: Keyed[int], time: int) -> bool:
    """Whether an event without a device is older than what is remembered of such."""
    return time < (clock.get(BUCKETS) or 0)


def _raise(clock: Keyed[int], key: str, value: int) -> None:
    known = clock.get(key)
    if known is None or value > known:
        clock.put(key, value)
