"""Clients that take their time: they are cut off, give back what they held, and hold up nobody."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

import pytest

from tests.hostile.running import Collector, collecting
from tests.hostile.wire import asking

ARRIVAL_SECONDS: Final = 1.0
QUICKER: Final = (
    f"from collectors import limits; limits.ARRIVAL_SECONDS = {ARRIVAL_SECONDS}; "
    "from footfall.cli import main; main()"
)
EVENT: Final = b'{"type":"track","anonymousId":"a","event":"Seen"}'
DRIP_SECONDS: Final = 0.25
LATEST: Final = 2 * ARRIVAL_SECONDS + 4
"""Seconds in which everybody must be gone: twice the time for those who were sent away politely and
do not read that either, and some for a busy machine."""
UNREAD: Final = 1_000
"""Scripts that are asked for and not read: 8 MiB, more than the kernel takes for a reader that has
room for SMALL_ROOM bytes."""
SMALL_ROOM: Final = 4_096

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Drip = Callable[[int], bytes]


def _nothing(beat: int) -> bytes:
    return b""


def _head(beat: int) -> bytes:
    return b"POST /v1/track HTTP/1.1\r\nHost: a\r\n" if beat == 0 else b"X"


def _header_by_header(beat: int) -> bytes:
    return b"POST /v1/track HTTP/1.1\r\nHost: a\r\n" if beat == 0 else b"X-%d: y\r\n" % beat


def _body(beat: int) -> bytes:
    whole = b"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    return whole if beat == 0 else b"x"


def _chunks(beat: int) -> bytes:
    whole = b"POST /v1/track HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    return whole if beat == 0 else b"1\r\nx\r\n"


def _large_body(beat: int) -> bytes:
    whole = b"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n"
    return whole + b"x" * 500_000 if beat == 0 else b"x"


def _blank_lines(beat: int) -> bytes:
    return asking(b"/health") if beat == 0 else b"\r\n"


def _after_upgrade(beat: int) -> bytes:
    upgrade = (b"Connection: Upgrade", b"Upgrade: websocket")
    return asking(b"/health", *upgrade) if beat == 0 else b"x"


def _never_read(beat: int) -> bytes:
    return asking(b"/footfall.js") * UNREAD if beat == 0 else b""


SLOW: Final[dict[str, tuple[Drip, int]]] = {
    "say nothing": (_nothing, 500),
    "send a head letter by letter": (_head, 50),
    "send header after header": (_header_by_header, 50),
    "send a body letter by letter": (_body, 50),
    "send chunk after chunk": (_chunks, 20),
    "send half of a large body": (_large_body, 20),
    "send blank lines": (_blank_lines, 20),
    "talk on after an upgrade": (_after_upgrade, 20),
    "read no answer": (_never_read, 5),
}
"""What they do, and how many of them do it."""


@asynccontextmanager
async def connected(port: int, count: int) -> AsyncIterator[list[Connection]]:
    some = [await _connection(port) for _ in range(count)]
    try:
        yield some
    finally:
        for _, writer in some:
            writer.transport.abort()


async def _connection(port: int) -> Connection:
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_ROOM)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    return await asyncio.open_connection(sock=plain, limit=1_024)


async def dripping(connections: list[Connection], drip: Drip) -> None:
    """Send what is sent at each beat, for ever, to those that are still there."""
    beat = 0
    while True:
        for _, writer in connections:
            if not writer.transport.is_closing():
                writer.write(drip(beat))
        beat += 1
        await asyncio.sleep(DRIP_SECONDS)


async def waits(port: int, until: Callable[[], bool]) -> list[float]:
    """How long a good client waits for each answer, one event after the other."""
    found = []
    request = asking(b"/v1/track", method=b"POST", body=EVENT)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while not until():
        began = monotonic()
        writer.write(request)
        answer = await reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 200 OK"), answer
        found.append(monotonic() - began)
        await asyncio.sleep(0.005)
    writer.close()
    return found


async def scenario(collector: Collector, drip: Drip, count: int) -> tuple[list[float], int]:
    """The good client's waits beside so many slow ones, and the descriptors that are left over."""
    before = collector.descriptors()
    async with connected(collector.port, count) as connections:
        accepted = monotonic() + ARRIVAL_SECONDS / 2  # on a busy machine the first are gone by then
        while collector.descriptors() < before + count and monotonic() < accepted:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        sender = asyncio.create_task(dripping(connections, drip))
        began = monotonic()

        def over() -> bool:
            gone = collector.descriptors() <= before + 1  # the good client's own is one of them
            return monotonic() > began + (ARRIVAL_SECONDS if gone else LATEST)

        found = await waits(collector.port, over)
        await asyncio.sleep(0.1)
        left = collector.descriptors() - before
        sender.cancel()
    return found, left


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with collecting(tmp_path_factory.mktemp("slow"), "-c", QUICKER, "collect") as running:
        yield running


@pytest.mark.parametrize("name", SLOW)
def test_who_is_slow_is_cut_off_and_holds_up_nobody(collector: Collector, name: str) -> None:
    found, left = asyncio.run(asyncio.wait_for(scenario(collector, *SLOW[name]), 30))
    slowest = sorted(found)[int(len(found) * 0.99)]
    print(f"\n{SLOW[name][1]:4} that {name}: p99 of {len(found)} others {slowest * 1e3:.0f} ms")
    assert left <= 0, f"{left} connections are still there"
    assert slowest < 1.0
    assert len(found) > 20


def test_a_quiet_connection_between_two_requests_is_not_cut_off(collector: Collector) -> None:
    async def quiet() -> list[bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", collector.port)
        lines = []
        for pause in (2 * ARRIVAL_SECONDS, 0.0):
            writer.write(asking(b"/health"))
            lines.append(await reader.readline())
            await reader.readuntil(b"ok\n")
            await asyncio.sleep(pause)
        writer.close()
        return lines

    assert asyncio.run(quiet()) == [b"HTTP/1.1 200 OK\r\n"] * 2
