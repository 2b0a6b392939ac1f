"""Keeps a partition's state below its limit, by forgetting first what ended first.

Without it, a sender that invents visitors by the million would fill the memory of all.
"""

from typing import Final

from pipeline.stages.visits import dedup_window, packed_sessions, reviews
from pipeline.stages.visits.state import VisitsState

WEIGH_MS: Final = 10_000
"""The state is held against its limit when the log's time has moved by so much."""


def enforce(state: VisitsState, limit_bytes: int, now: int, max_devices: int) -> None:
    """Forget the sessions that ended first while the state is too large, `max_devices` at a time.

    Only the state decides, so a replay forgets the same sessions.
    """
    clock = state.clock
    if now - (clock.get("weighed") or 0) < WEIGH_MS and "large" not in clock:
        return
    clock.put("weighed", now)
    remaining = max_devices
    while (large := state.size() > limit_bytes) and remaining > 0:
        until, keys = state.oldest_blocks.first(remaining)
        if not keys:
            break
        for key in keys:
            _forget_until(state, key, until)
        clock.put(dedup_window.FORGOTTEN_BEFORE, until)
        remaining -= len(keys)
    if large:
        clock.put("large", 1)
    elif "large" in clock:
        clock.delete("large")


def _forget_until(state: VisitsState, key: str, until: int) -> None:
    """Forget what of a device's sessions ended before `until`, in the log's time."""
    device = state.devices.get(key)
    assert device is not None
    newest = packed_sessions.newest_time(device)
    packed_sessions.forget(device, until - device.skew)
    if device.events or device.packed_blocks:
        reviews.store(state, key, device)
    else:
        state.devices.delete(key)
        dedup_window.forget_device(state.clock, newest, state.now)
