"""What is wrong with a running worker, in words: doctor, the pages and Prometheus show the same ones.

Whoever watches a part (disk, clocks, parts of the warehouse, memory) raises its alarm and lowers it.
"""

from collections.abc import Callable
from typing import NamedTuple


class Alarm(NamedTuple):
    """`part` is what is ill, in a word; `text` how; `advice` what to do."""

    part: str
    text: str
    advice: str


class Alarms:
    """At most one alarm per part and key. Threads may raise and lower at the same time."""

    def __init__(self, on_change: Callable[[str, int], None] = lambda part, count: None) -> None:
        """`on_change` hears of a part and how many of its alarms stand."""
        self._active: dict[tuple[str, str], Alarm] = {}
        self._on_change = on_change

    def put(self, alarm: Alarm, key: str = "") -> None:
        """Raise an alarm, instead of what the part's `key` said before."""
        self._active[alarm.part, key] = alarm
        self._notify(alarm.part)

    def clear(self, part: str, key: str = "") -> None:
        """Lower it, if it stands."""
        if self._active.pop((part, key), None):
            self._notify(part)

    def active(self) -> list[Alarm]:
        """What stands, by part and key."""
        return [alarm for _, alarm in sorted(dict(self._active).items())]

    def _notify(self, part: str) -> None:
        self._on_change(part, sum(name == part for name, _ in dict(self._active)))
