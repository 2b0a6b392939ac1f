"""Playing requests to a collector on loopback: on time, in order, again where asked to, or not at all."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

import pytest

from footfall.demo.shop.player import PlayError, Score, Target, play
from footfall.demo.shop.wire import Request

Respond = Callable[[str, bytes, int], bytes]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
BAD = b"HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nwhy"


class Collector:
    """Answers every request with what `respond(path, body, number)` says; b"" hangs up."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.heads: list[str] = []
        self.bodies: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while answer := await self._answer(reader):
                writer.write(answer)
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.split("Content-Length: ")[1].split("\r\n")[0])
        body = await reader.readexactly(length)
        answer = self.respond(head.split()[1], body, len(self.heads))
        self.heads.append(head)
        if answer.startswith(b"HTTP/1.1 200"):
            self.bodies.append(body)
        return answer


def played(
    requests: list[Request],
    respond: Respond,
    seconds_until: Callable[[int], float] = lambda time: 0.0,
) -> tuple[Collector, Score]:
    collector, score = Collector(respond), Score()

    async def main() -> None:
        async with await asyncio.start_server(collector.serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await play(requests, Target("127.0.0.1", port, "key", "secret"), seconds_until, score)

    asyncio.run(main())
    return collector, score


def request(number: int, lane: str = "a", events: int = 1) -> Request:
    return Request(number, "/v1/batch", b"%s %d" % (lane.encode(), number), lane, events)


def test_every_request_arrives_once_and_its_events_are_counted() -> None:
    requests = [request(n, lane=str(n % 40), events=3) for n in range(200)]
    collector, score = played(requests, lambda path, body, number: OK)
    assert sorted(collector.bodies) == sorted(r.body for r in requests)
    assert (score.requests, score.events, score.retries) == (200, 600, 0)


def test_a_lane_keeps_its_order_also_when_requests_are_repeated() -> None:
    requests = [request(n, lane=str(n % 7)) for n in range(140)]
    collector, score = played(requests, lambda path, body, number: BUSY if number % 3 == 0 else OK)
    lanes: dict[bytes, list[int]] = defaultdict(list)
    for body in collector.bodies:
        lane, number = body.split()
        lanes[lane].append(int(number))
    assert all(numbers == sorted(numbers) for numbers in lanes.values())
    assert sum(map(len, lanes.values())) == 140
    assert score.retries > 0


def test_a_broken_connection_is_made_anew_and_the_request_sent_again() -> None:
    requests = [request(n) for n in range(3)]
    collector, score = played(requests, lambda path, body, number: b"" if number == 1 else OK)
    assert collector.bodies == [r.body for r in requests]
    assert score.retries == 1


def test_a_final_refusal_ends_the_play_and_says_what_the_collector_said() -> None:
    with pytest.raises(PlayError, match=r"400 to /v1/batch: b'why'"):
        played([request(1)], lambda path, body, number: BAD)


def test_the_write_key_goes_with_every_request() -> None:
    collector, _ = played([request(1)], lambda path, body, number: OK)
    assert "Authorization: Basic a2V5Og==" in collector.heads[0]


def test_no_request_is_sent_before_its_time() -> None:
    asked: list[int] = []

    def seconds_until(time: int) -> float:
        asked.append(time)
        return 0.0

    played([request(n) for n in (5, 9, 12)], lambda path, body, number: OK, seconds_until)
    assert asked == [5, 9, 12]
