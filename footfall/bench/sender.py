"""Requests over raw sockets, cheaply: as fast as answers come, or by a schedule.

Every request must be answered with the one good answer; anything else ends the measurement.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic, process_time
from typing import Any, Final, NamedTuple

from collectors.dialects.contract import SUCCESS
from footfall.bench.compare import BenchError

PATIENCE_SECONDS: Final = 30.0
"""The longest that one answer may take."""
MAX_CONNECTIONS: Final = 1_000
_GOOD: Final = b"HTTP/1.1 200 "
_LIMIT: Final = 4_096


class Sent(NamedTuple):
    """What was sent and answered, in wall seconds; `busy` is the sender's own share of a core."""

    requests: int
    seconds: float
    busy: float


class _Connection(asyncio.Protocol):
    """One request at a time; `on_answer` is told of each good answer."""

    def __init__(self, sender: "Sender") -> None:
        self._sender = sender
        self._answer = b""
        self.due = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def ask(self, request: bytes, due: float) -> None:
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        answer = self._answer + data if self._answer else data
        if answer.endswith(SUCCESS.body) and answer.startswith(_GOOD):
            self._answer = b""
            self._sender.answered(self)
        elif len(answer) > _LIMIT or not answer.startswith(_GOOD):
            self._sender.fail(f"A request was answered {answer[:200]!r}.")
        else:
            self._answer = answer

    def connection_lost(self, error: Exception | None) -> None:
        self._sender.fail(f"A connection was closed: {error or 'by the server'}.")


class Sender:
    """Sends `requests` to a port on loopback. Use one after another in one event loop."""

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self._port, self._requests = port, requests
        self._failure = ""
        self._connections: list[_Connection] = []
        self._then: Callable[[_Connection], None] = self._rest
        self._idle: deque[_Connection] = deque()
        self._waiting = 0
        self._closing = False
        self.sent = 0

    async def flat_out(self, connections: int, seconds: float) -> Sent:
        """Each connection sends again as soon as it is answered. Raises BenchError."""
        await self._connect(connections)
        started_at, busy = monotonic(), process_time()
        first, end = self.sent, started_at + seconds

        def again(connection: _Connection) -> None:
            if monotonic() < end:
                self._ask(connection, 0.0)
            else:
                self._rest(connection)

        self._then = again
        for connection in self._take_all():
            self._ask(connection, 0.0)
        await self._settled(seconds)
        took = monotonic() - started_at
        return Sent(self.sent - first, took, (process_time() - busy) / took)

    async def steadily(self, rate: float, seconds: float) -> list[float]:
        """Seconds each request took, from when it was due, at `rate` a second. Raises BenchError.

        What is due is sent, on another connection where all are waiting for answers, up to
        MAX_CONNECTIONS: a server that stalls is not spared what would have come meanwhile.
        """
        waits: list[float] = []

        def note(connection: _Connection) -> None:
            waits.append(monotonic() - connection.due)
            self._rest(connection)

        self._then = note
        started_at = monotonic()
        for number in range(int(rate * seconds)):
            due = started_at + number / rate
            while (early := due - monotonic()) > 0:
                await asyncio.sleep(early)
                self._check()
            if not self._idle:
                await self._another(due)
            self._ask(self._idle.pop(), due)
        await self._settled(0.0)
        return waits

    def answered(self, connection: _Connection) -> None:
        """Called by connections."""
        self._waiting -= 1
        self._then(connection)

    def fail(self, reason: str) -> None:
        """Called by connections."""
        if not self._closing:
            self._failure = self._failure or reason

    def close(self) -> None:
        """Close all connections."""
        self._closing = True
        for connection in self._connections:
            connection.transport.close()

    def _ask(self, connection: _Connection, due: float) -> None:
        self._waiting += 1
        self.sent += 1
        connection.ask(next(self._requests), due)

    def _rest(self, connection: _Connection) -> None:
        self._idle.append(connection)

    def _take_all(self) -> list[_Connection]:
        idle, self._idle = list(self._idle), deque()
        return idle

    async def _connect(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, created = await loop.create_connection(
                lambda: _Connection(self), "127.0.0.1", self._port
            )
            self._connections.append(created)
            self._idle.append(created)

    async def _another(self, due: float) -> None:
        """One more connection, or, where there are too many, the next that is answered."""
        if len(self._connections) < MAX_CONNECTIONS:
            await self._connect(1)
        while not self._idle:
            self._check()
            if monotonic() > due + PATIENCE_SECONDS:
                raise BenchError(f"{self._waiting} requests got no answer.")
            await asyncio.sleep(0.001)

    async def _settled(self, seconds: float) -> None:
        """Wait until everything sent is answered."""
        deadline = monotonic() + seconds + PATIENCE_SECONDS
        while self._waiting:
            self._check()
            if monotonic() > deadline:
                raise BenchError(f"{self._waiting} requests got no answer.")
            await asyncio.sleep(0.002)
        self._check()

    def _check(self) -> None:
        if self._failure:
            raise BenchError(self._failure)
