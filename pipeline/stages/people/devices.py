"""Whom a device belongs to, when: assertions and resets in the order of their own times."""

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import Final

from pipeline.stages.people import identity
from pipeline.stages.people.context import Turn
from pipeline.stages.people.state import DEVICE, Device, Point

MAX_POINTS: Final = 64
"""Assertions kept for one device. Past it, the oldest that repeats its neighbours is let go: only
another person's assertion arriving later, from before that time, could have needed it."""
MAX_LOOSE: Final = 500
"""Orders without identifiers on one device that late assertions may still give to somebody else."""


def owner_at(device: str, points: Sequence[Point], time: int) -> str:
    """Who had the device at `time`: an identifier, or the device itself as an anonymous person.

    Before the first point it is the first point's: the assertion's person, or, where that is a
    reset, nobody's (what came before a reset was somebody else's).
    """
    after = bisect_right(points, time, key=lambda point: point.time)
    identifier = points[max(after - 1, 0)].identifier if points else ""
    return identifier or DEVICE + device


def owner_of(turn: Turn, site: str, device: str, time: int) -> str:
    """`owner_at` with what the state knows."""
    kept = turn.state.devices.get(f"{site}\n{device}")
    return owner_at(device, kept.points if kept else (), time)


def assert_owner(turn: Turn, site: str, device: str, point: Point) -> list[str]:
    """Note whose the device is from a time on; answers the orders that change their owner."""
    key = f"{site}\n{device}"
    kept = turn.state.devices.get(key) or Device()
    if point in kept.points:
        return []
    before = list(kept.points)
    insort(kept.points, point)
    if len(kept.points) > MAX_POINTS:
        _let_go(kept.points)
    turn.state.devices.put(key, kept)
    if kept.opt_out and point.identifier:
        identity.mark_opt_out(turn, site, point.identifier)
    return [
        order_id
        for time, order_id in kept.loose
        if owner_at(device, before, time) != owner_at(device, kept.points, time)
    ]


def keep_loose(turn: Turn, site: str, device: str, time: int, order_id: str) -> None:
    """Remember an order that belongs to whoever has the device at `time`."""
    key = f"{site}\n{device}"
    kept = turn.state.devices.get(key) or Device()
    if (time, order_id) not in kept.loose:
        insort(kept.loose, (time, order_id))
        del kept.loose[:-MAX_LOOSE]
        turn.state.devices.put(key, kept)


def mark_opt_out(turn: Turn, site: str, device: str) -> None:
    """Everybody this device ever belongs to gets no triggers."""
    key = f"{site}\n{device}"
    kept = turn.state.devices.get(key) or Device()
    if kept.opt_out:
        return
    kept.opt_out = True
    turn.state.devices.put(key, kept)
    for point in kept.points:
        if point.identifier:
            identity.mark_opt_out(turn, site, point.identifier)


def _let_go(points: list[Point]) -> None:
    for at in range(1, len(points) - 1):
        if points[at - 1].identifier == points[at].identifier == points[at + 1].identifier:
            del points[at]
            return
    del points[1]
