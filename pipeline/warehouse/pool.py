"""Idle connections, kept for the next caller: as many are open as were ever in use at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from pipeline.errors import WarehouseUnavailable

C = TypeVar("C")


class Pool(Generic[C]):
    """Hands each caller a connection of its own. Last in, first out, so that few stay warm."""

    def __init__(self, connect: Callable[[], C], disconnect: Callable[[C], None]) -> None:
        self._connect, self._disconnect = connect, disconnect
        self._lock = threading.Lock()
        self._idle: list[C] = []
        self._closed = False

    @contextmanager
    def lease(self) -> Iterator[C]:
        """A connection for the time of the block. Raises WarehouseUnavailable after `close`.

        After any error it is closed: what a statement wrote before it failed may still lie in it, and
        would be read as the next one's answer.
        """
        connection = self._take()
        try:
            yield connection
        except BaseException:
            self._disconnect(connection)
            raise
        self._give(connection)

    def close(self) -> None:
        """Close what is idle, and what is in use as soon as it comes back."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for connection in idle:
            self._disconnect(connection)

    def _take(self) -> C:
        with self._lock:
            if self._closed:
                raise WarehouseUnavailable("the warehouse was closed")
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give(self, connection: C) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        self._disconnect(connection)
