"""Whom a device belongs to, when: assertions and resets in the order of their own times."""

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import Final

from pipeline.stages.people import identity
from pipeline.stages.people.context import RecordContext
from pipeline.stages.people.state import DEVICE, Device, Point

MAX_POINTS: Final = 64
"""Assertions stored for one device. Past it, the oldest that repeats its neighbours is dropped: it
would matter only if another person's assertion from before that time arrived later."""
MAX_UNOWNED_ORDERS: Final = 500
"""Orders without identifiers on one device that late assertions may still give to somebody else."""


def owner_at(device: str, points: Sequence[Point], time: int) -> str:
    """Who had the device at `time`: an identifier, or the device itself as an anonymous person.

    Before the first point it is the first point's: the assertion's person, or, where that is a
    reset, nobody's (what came before a reset was somebody else's).
    """
    after = bisect_right(points, time, key=lambda point: point.time)
    identifier = points[max(after - 1, 0)].identifier if points else ""
    return identifier or DEVICE + device


def owner_of(context: RecordContext, site: str, device: str, time: int) -> str:
    """`owner_at` by the state's points of the device."""
    entry = context.state.devices.get(f"{site}\n{device}")
    return owner_at(device, entry.points if entry else (), time)


def assert_owner(context: RecordContext, site: str, device: str, point: Point) -> list[str]:
    """Record who has the device from a time on; answers the ids of orders that change their owner."""
    key = f"{site}\n{device}"
    entry = context.state.devices.get(key) or Device()
    if point in entry.points:
        return []
    before = list(entry.points)
    insort(entry.points, point)
    if len(entry.points) > MAX_POINTS:
        _drop_redundant(entry.points)
    context.state.devices.put(key, entry)
    if entry.opt_out and point.identifier:
        identity.mark_opt_out(context, site, point.identifier)
    return [
        order_id
        for time, order_id in entry.unowned_orders
        if owner_at(device, before, time) != owner_at(device, entry.points, time)
    ]


def add_unowned_order(
    context: RecordContext, site: str, device: str, time: int, order_id: str
) -> None:
    """Remember an order that belongs to whoever has the device at `time`."""
    key = f"{site}\n{device}"
    entry = context.state.devices.get(key) or Device()
    if (time, order_id) not in entry.unowned_orders:
        insort(entry.unowned_orders, (time, order_id))
        del entry.unowned_orders[:-MAX_UNOWNED_ORDERS]
        context.state.devices.put(key, entry)


def mark_opt_out(context: RecordContext, site: str, device: str) -> None:
    """Everybody this device ever belongs to gets no triggers."""
    key = f"{site}\n{device}"
    entry = context.state.devices.get(key) or Device()
    if entry.opt_out:
        return
    entry.opt_out = True
    context.state.devices.put(key, entry)
    for point in entry.points:
        if point.identifier:
            identity.mark_opt_out(context, site, point.identifier)


def _drop_redundant(points: list[Point]) -> None:
    for index in range(1, len(points) - 1):
        before, point, after = points[index - 1 : index + 2]
        if before.identifier == point.identifier == after.identifier:
            del points[index]
            return
    del points[1]
