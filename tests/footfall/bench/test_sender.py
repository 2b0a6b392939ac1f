"""Requests are sent by the schedule whatever the server does, and only the good answer counts."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import repeat

import pytest

from collectors.dialects.contract import SUCCESS
from footfall.bench import sender as sender_module
from footfall.bench.compare import BenchError
from footfall.bench.sender import Sender

REQUEST = b"POST /v1/p HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n" + SUCCESS.body

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def good(writer: asyncio.StreamWriter) -> None:
    writer.write(GOOD)


async def sending(answer: Answer, send: Callable[[Sender], Awaitable[None]]) -> Sender:
    """Run `send` against a server that calls `answer` for each request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await answer(writer)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sender = Sender(server.sockets[0].getsockname()[1], repeat(REQUEST))
    try:
        await send(sender)
    finally:
        sender.close()
        server.close()
    return sender


def test_all_that_is_sent_flat_out_is_answered() -> None:
    async def send(sender: Sender) -> None:
        sent = await sender.flat_out(3, 0.05)
        assert sent.requests == sender.sent >= 3
        assert sent.seconds >= 0.05

    asyncio.run(sending(good, send))


def test_an_answer_in_two_pieces_is_one() -> None:
    async def pieces(writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD[:20])
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(GOOD[20:])

    async def send(sender: Sender) -> None:
        assert len(await sender.steadily(1_000, 0.01)) == 10

    asyncio.run(sending(pieces, send))


def test_what_a_stalled_server_keeps_waiting_counts_from_when_it_was_due() -> None:
    held: list[asyncio.StreamWriter] = []

    async def stalled(writer: asyncio.StreamWriter) -> None:
        """Nobody is answered before the tenth has asked: at 100/s, 90 ms after the first."""
        held.append(writer)
        if len(held) == 10:
            for each in held:
                each.write(GOOD)

    async def send(sender: Sender) -> None:
        waits = sorted(await sender.steadily(100, 0.1), reverse=True)
        assert len(waits) == 10
        for place, wait in enumerate(waits[:-1]):
            assert wait >= 0.09 - place * 0.01 - 0.001

    asyncio.run(sending(stalled, send))


def test_with_no_more_connections_to_be_had_requests_wait_and_their_waiting_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender_module, "MAX_CONNECTIONS", 1)
    asked = 0

    async def slow(writer: asyncio.StreamWriter) -> None:
        """The first is answered 50 ms late, when four more are due."""
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05 if asked == 1 else 0)
        writer.write(GOOD)

    async def send(sender: Sender) -> None:
        waits = await sender.steadily(100, 0.05)
        assert len(waits) == asked == 5
        assert all(wait >= 0.05 - place * 0.01 - 0.001 for place, wait in enumerate(waits))

    asyncio.run(sending(slow, send))


@pytest.mark.parametrize(
    "bad", [GOOD.replace(b"200 OK", b"503 Service Unavailable"), GOOD[:-1] + b"!" * 5_000]
)
def test_any_other_answer_ends_the_measurement(bad: bytes) -> None:
    async def refuse(writer: asyncio.StreamWriter) -> None:
        writer.write(bad)

    async def send(sender: Sender) -> None:
        with pytest.raises(BenchError, match="was answered"):
            await sender.flat_out(1, 0.01)

    asyncio.run(sending(refuse, send))


def test_a_lost_connection_ends_the_measurement() -> None:
    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def send(sender: Sender) -> None:
        with pytest.raises(BenchError, match="closed"):
            await sender.steadily(100, 0.05)

    asyncio.run(sending(hang_up, send))
