"""Which devices a tick has to review: keys ordered by a time that each device's value begins with.

The calendar is derived from the devices. Entries that no longer match a device are skipped when their
bucket is due. It takes a pointer per device; a heap of deadlines took ten times as much.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final

import msgspec

from pipeline.engine.state.keyed import Keyed
from pipeline.stages.visits.device import Device, Due

_due: Final = msgspec.msgpack.Decoder(Due).decode


class Calendar:
    """Keys in the order of `time_of`, ms (0: in no calendar); a bucket is 2 ** `bits` ms."""

    def __init__(
        self, devices: Keyed[Device], time_of: Callable[[Due | Device], int], bits: int
    ) -> None:
        self._devices, self._time_of, self._bits = devices, time_of, bits
        self._buckets: dict[int, list[str]] | None = None
        self._order: list[int] = []

    def add(self, key: str, time: int) -> None:
        """A device's time is now this one."""
        if self._buckets is not None and time:
            self._enter(self._buckets, key, time)

    def due(self, now: int, limit: int) -> list[str]:
        """Take out at most `limit` keys whose time is at or before `now`, in (time, key) order."""
        buckets, due_keys = self._load_buckets(), list[str]()
        while self._order and self._order[0] <= now >> self._bits and len(due_keys) < limit:
            bucket = self._order[0]
            entries = self._entries(bucket, buckets[bucket])
            ready = [key for time, key in entries if time <= now][: limit - len(due_keys)]
            due_keys += ready
            if len(ready) < len(entries):
                buckets[bucket] = [key for _, key in entries[len(ready) :]]
                break
            self._end(bucket)
        return due_keys

    def first(self, limit: int) -> tuple[int, list[str]]:
        """Take out at most `limit` keys of the earliest bucket, and when it ends; none: (0, [])."""
        buckets = self._load_buckets()
        while self._order:
            bucket = self._order[0]
            entries = self._entries(bucket, buckets[bucket])
            buckets[bucket] = [key for _, key in entries[limit:]]
            if not buckets[bucket]:
                self._end(bucket)
            if entries:
                return (bucket + 1) << self._bits, [key for _, key in entries[:limit]]
        return 0, []

    def _entries(self, bucket: int, keys: list[str]) -> list[tuple[int, str]]:
        """The entries of a bucket that still hold."""
        entries = []
        for key in set(keys):
            device = self._devices.get(key)
            time = 0 if device is None else self._time_of(device)
            if time and time >> self._bits == bucket:
                entries.append((time, key))
        return sorted(entries)

    def _end(self, bucket: int) -> None:
        heappop(self._order)
        if self._buckets is not None:
            del self._buckets[bucket]

    def _enter(self, buckets: dict[int, list[str]], key: str, time: int) -> None:
        bucket = time >> self._bits
        keys = buckets.get(bucket)
        if keys is None:
            buckets[bucket] = [key]
            heappush(self._order, bucket)
        else:
            keys.append(key)

    def _load_buckets(self) -> dict[int, list[str]]:
        if self._buckets is None:
            buckets: dict[int, list[str]] = {}
            for key, device in self._devices.each_as(_due):
                if time := self._time_of(device):
                    buckets.setdefault(time >> self._bits, []).append(key)
            self._buckets, self._order = buckets, list(buckets)
            heapify(self._order)
        return self._buckets
