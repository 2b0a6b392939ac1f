"""Deadlines of keys: persisted as keyed integers, popped in (deadline, key) order through a heap.

The heap is derived: entries that no longer match the table are skipped when they surface.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from pipeline.engine.state.keyed import Keyed


class Timers:
    """At most one deadline per key, in ms. Changes go through `table` into the next delta."""

    def __init__(self, table: Keyed[int]) -> None:
        self.table = table
        self._heap: list[tuple[int, str]] | None = None

    def set(self, key: str, deadline: int) -> None:
        """Wake `key` at `deadline` instead of what was set before."""
        if self.table.get(key) == deadline:
            return  # again and again the same must not grow heap and delta
        self.table.put(key, deadline)
        if self._heap is not None:
            heappush(self._heap, (deadline, key))

    def clear(self, key: str) -> None:
        """No deadline for `key` any more."""
        if self.table.get(key) is not None:
            self.table.delete(key)

    def due(self, now: int) -> Iterator[str]:
        """Take out, one by one, every key whose deadline is at or before `now`."""
        heap = self._loaded()
        while heap and heap[0][0] <= now:
            deadline, key = heappop(heap)
            if self.table.get(key) == deadline:
                self.table.delete(key)
                yield key

    def reset(self) -> None:
        """The table was loaded or rolled back: derive the heap anew at the next use."""
        self._heap = None

    def _loaded(self) -> list[tuple[int, str]]:
        if self._heap is None:
            self._heap = [(deadline, key) for key, deadline in self.table.each()]
            heapify(self._heap)
        return self._heap
