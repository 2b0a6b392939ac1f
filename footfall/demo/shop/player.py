"""Plays the shop's requests against a collector over HTTP/1.1, each at its time.

A few connections are kept open. Every lane sticks to one of them, so that a device's requests
arrive in order; a connection sends its next request when the last one is answered.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple
from zlib import crc32

from collectors.errors import CollectorError
from footfall.demo.shop.wire import Request

CONNECTIONS: Final = 16
QUEUED: Final = 64
PATIENCE_SECONDS: Final = 30.0
"""How long a collector may be away, or say 503, before playing is given up."""
PAUSE_SECONDS: Final = 0.2


class Target(NamedTuple):
    """A collector, the key of the shop's pages, and the one of its servers."""

    host: str
    port: int
    write_key: str
    server_key: str


class PlayError(CollectorError):
    """The collector refused make-believe traffic, or stayed away."""


class Score:
    """What has been delivered so far."""

    def __init__(self) -> None:
        self.requests = self.events = self.retries = 0


async def play(
    requests: Iterable[Request], target: Target, seconds_until: Callable[[int], float], score: Score
) -> None:
    """Deliver `requests` in time order, none before its time; `score` is kept up to date.

    `seconds_until` gives wall seconds until a time of the shop's. Raises PlayError.
    """
    lines = [_Line(target, score) for _ in range(CONNECTIONS)]
    try:
        async with asyncio.TaskGroup() as tasks:
            for line in lines:
                tasks.create_task(line.run())
            await _feed(requests, lines, seconds_until)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def _feed(
    requests: Iterable[Request], lines: list["_Line"], seconds_until: Callable[[int], float]
) -> None:
    for request in requests:
        seconds = seconds_until(request.time)
        if seconds > 0:
            await asyncio.sleep(seconds)
        await lines[crc32(request.lane.encode()) % len(lines)].queue.put(request)
    for line in lines:
        await line.queue.put(None)


class _Answer(NamedTuple):
    status: int
    retry_after: float
    body: bytes


class _Line:
    """One connection and the requests that wait for it."""

    def __init__(self, target: Target, score: Score) -> None:
        self.queue: asyncio.Queue[Request | None] = asyncio.Queue(QUEUED)
        self._target, self._score = target, score
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self) -> None:
        """Deliver what comes until None does."""
        try:
            while request := await self.queue.get():
                await self._deliver(request)
        finally:
            self._hang_up()

    async def _deliver(self, request: Request) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_SECONDS
        trouble = ""
        while loop.time() < deadline:
            answer = await self._try(request)
            if answer is not None and answer.status < 300:
                self._score.requests += 1
                self._score.events += request.events
                return
            trouble = _trouble(request, answer)
            self._score.retries += 1
            await asyncio.sleep(answer.retry_after if answer else PAUSE_SECONDS)
        raise PlayError(trouble)

    async def _try(self, request: Request) -> _Answer | None:
        """The answer; None where the connection broke."""
        try:
            reader, writer = self._streams or await self._connect()
            writer.write(self._head(request) + request.body)
            return await _answer(reader)
        except (OSError, EOFError):
            self._hang_up()
            return None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_connection(self._target.host, self._target.port)
        return self._streams

    def _head(self, request: Request) -> bytes:
        host, port, *keys = self._target
        key = keys[request.server]
        credentials = b64encode(f"{key}:".encode()).decode()
        return (
            f"POST {request.path} HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"Authorization: Basic {credentials}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(request.body)}\r\n\r\n"
        ).encode()

    def _hang_up(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None


def _trouble(request: Request, answer: _Answer | None) -> str:
    """What went wrong; raises where trying again will not help."""
    if answer is None:
        return f"The collector did not take a request to {request.path}: no answer."
    message = f"The collector answered {answer.status} to {request.path}: {answer.body[:200]!r}."
    if answer.status not in (429, 503):
        raise PlayError(message)
    return message


async def _answer(reader: asyncio.StreamReader) -> _Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in head)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return _Answer(int(head[0].split()[1]), float(headers.get("retry-after", PAUSE_SECONDS)), body)
