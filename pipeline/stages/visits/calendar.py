"""Which devices a tick has to look at: by a time that each device's value begins with.

The calendar is derived from the devices. Entries that no longer match a device are skipped when they
surface; per device it takes a pointer, where a heap of deadlines took ten times as much.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final

import msgspec

from pipeline.engine.state.keyed import Keyed
from pipeline.stages.visits.device import Device, Due

_due: Final = msgspec.msgpack.Decoder(Due).decode


class Calendar:
    """Keys in the order of `time_of`, ms (0: in no calendar); days are of 2 ** `bits` ms."""

    def __init__(
        self, devices: Keyed[Device], time_of: Callable[[Due | Device], int], bits: int
    ) -> None:
        self._devices, self._time_of, self._bits = devices, time_of, bits
        self._days: dict[int, list[str]] | None = None
        self._order: list[int] = []

    def add(self, key: str, time: int) -> None:
        """A device's time is now this one."""
        if self._days is not None and time:
            self._enter(self._days, key, time)

    def due(self, now: int, most: int) -> list[str]:
        """Take out at most `most` keys whose time is at or before `now`, in (time, key) order."""
        days, found = self._loaded(), list[str]()
        while self._order and self._order[0] <= now >> self._bits and len(found) < most:
            day = self._order[0]
            entries = self._entries(day, days[day])
            ready = [key for time, key in entries if time <= now][: most - len(found)]
            found += ready
            if len(ready) < len(entries):
                days[day] = [key for _, key in entries[len(ready) :]]
                break
            self._end(day)
        return found

    def first(self, most: int) -> tuple[int, list[str]]:
        """Take out at most `most` keys of the earliest day, and when that day ends; none: (0, [])."""
        days = self._loaded()
        while self._order:
            day = self._order[0]
            entries = self._entries(day, days[day])
            days[day] = [key for _, key in entries[most:]]
            if not days[day]:
                self._end(day)
            if entries:
                return (day + 1) << self._bits, [key for _, key in entries[:most]]
        return 0, []

    def _entries(self, day: int, keys: list[str]) -> list[tuple[int, str]]:
        """What of a day still holds."""
        found = []
        for key in set(keys):
            device = self._devices.get(key)
            time = 0 if device is None else self._time_of(device)
            if time and time >> self._bits == day:
                found.append((time, key))
        return sorted(found)

    def _end(self, day: int) -> None:
        heappop(self._order)
        if self._days is not None:
            del self._days[day]

    def _enter(self, days: dict[int, list[str]], key: str, time: int) -> None:
        day = time >> self._bits
        keys = days.get(day)
        if keys is None:
            days[day] = [key]
            heappush(self._order, day)
        else:
            keys.append(key)

    def _loaded(self) -> dict[int, list[str]]:
        if self._days is None:
            days: dict[int, list[str]] = {}
            for key, device in self._devices.each_as(_due):
                if time := self._time_of(device):
                    days.setdefault(time >> self._bits, []).append(key)
            self._days, self._order = days, list(days)
            heapify(self._order)
        return self._days
