"""Which stored events could be repeats that are no longer recognised, as what they repeat is forgotten.

The warehouse may merge so many of them with the rows they repeat; other missing rows were lost.
"""

from typing import Final

from pipeline.engine.state.keyed import Keyed
from pipeline.stages.visits import packed_sessions
from pipeline.stages.visits.device import MAX_RECENT_EVENTS, Device

FORGOTTEN_BEFORE: Final = "forgotten"
"""Sessions that ended before this time, ms of the log's time, were forgotten early, for lack of memory."""
DEVICES_FORGOTTEN: Final = "devices_forgotten"
"""Devices are forgotten whose last event was at this time, ms, or before."""
AHEAD_FROM: Final = "ahead_from"
AHEAD_TO: Final = "ahead_to"
"""… and some whose clock was ahead: between these two times."""
BUCKETS_FORGOTTEN: Final = "buckets_forgotten"
"""Messages without a device from before this time, ms, may be forgotten."""


def forget_device(clock: Keyed[int], last: int, now: int) -> None:
    """A device is forgotten whose last event was at `last`, ms."""
    _raise(clock, DEVICES_FORGOTTEN, min(last, now))
    if last > now:
        earliest = clock.get(AHEAD_FROM)
        if earliest is None or now < earliest:
            clock.put(AHEAD_FROM, now)
        _raise(clock, AHEAD_TO, last)


def forget_bucket(clock: Keyed[int], end: int) -> None:
    """A bucket of what came without a device is forgotten; it held times before `end`, ms."""
    _raise(clock, BUCKETS_FORGOTTEN, end)


def beyond_device(clock: Keyed[int], time: int) -> bool:
    """Whether an event of a device that is not known may be one of a forgotten device."""
    if time <= (clock.get(DEVICES_FORGOTTEN) or 0):
        return True
    ahead = clock.get(AHEAD_TO)
    return ahead is not None and (clock.get(AHEAD_FROM) or 0) <= time <= ahead


def beyond_events(clock: Keyed[int], device: Device, time: int, lateness_ms: int) -> bool:
    """Whether an event is from before those that are remembered of its device, `lateness_ms` at most.

    Call it before the event is remembered.
    """
    remembered_from = max((clock.get("now") or 0) - lateness_ms, clock.get(FORGOTTEN_BEFORE) or 0)
    if time < remembered_from - device.skew:
        return True
    incomplete = (
        device.carry is not None or len(device.events) + device.packed_events >= MAX_RECENT_EVENTS
    )
    return incomplete and time <= packed_sessions.oldest_time(device)


def beyond_buckets(clock: Keyed[int], time: int) -> bool:
    """Whether an event without a device is from before the remembered ones."""
    return time < (clock.get(BUCKETS_FORGOTTEN) or 0)


def _raise(clock: Keyed[int], key: str, value: int) -> None:
    current = clock.get(key)
    if current is None or value > current:
        clock.put(key, value)
