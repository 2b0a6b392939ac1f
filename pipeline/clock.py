"""The one place that reads the time: real, or faster for demonstrations."""

from collections.abc import Callable
from time import time_ns

Clock = Callable[[], int]
"""Answers ms since 1970, UTC."""


def wall() -> int:
    """The real time."""
    return time_ns() // 1_000_000


def clock(pace: tuple[int, int, float] | None) -> Clock:
    """`pace` is (start, wall, speed): `start` at wall time `wall`, then `speed` times as fast."""
    if pace is None:
        return wall
    start, began, speed = pace
    return lambda: start + int((wall() - began) * speed)
