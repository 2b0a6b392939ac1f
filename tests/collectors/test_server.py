"""A whole collector in this process, over loopback: it serves, ticks, cuts off and stops."""

import asyncio
from pathlib import Path

import pytest

from collectors.embedded_producer import EmbeddedWriter
from collectors.errors import LogMismatch, Overloaded
from collectors.producer import GroupCommit
from collectors.server import CollectorConfig, open_producer, run, tick
from tests.collectors.test_embedded_producer import records
from tests.collectors.writers import MemoryWriter

BODY = b'{"type":"track","anonymousId":"a","event":"Seen"}'
REQUEST = (
    b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
)


def serving(config: CollectorConfig, request: bytes) -> bytes:
    """Run a collector, send raw bytes, read what comes (one answer, or the end), stop it."""

    async def main() -> bytes:
        stop = asyncio.Event()
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        server = asyncio.create_task(run(config, stop, listening.set_result))
        port = await asyncio.wait_for(listening, 10)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(10_000), 10)
        writer.close()
        stop.set()
        await asyncio.wait_for(server, 10)
        return answer

    return asyncio.run(main())


def test_a_collector_serves_ticks_and_stops_with_everything_in_the_log(tmp_path: Path) -> None:
    config = CollectorConfig(log=f"embedded://{tmp_path}", partitions=2, port=0, clock=lambda: 5)
    assert serving(config, REQUEST).startswith(b"HTTP/1.1 200 OK")
    values = [row[4] for row in records(tmp_path)]
    assert sum(b'"event":"Seen"' in value for value in values) == 1
    ticks = [row for row in records(tmp_path) if b'"tick"' in row[4]]
    assert {row[0] for row in ticks} == {0, 1}
    assert all(b'"time":5' in row[4] and row[2] == 0 for row in ticks)


def test_a_request_that_does_not_arrive_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.limits.ARRIVAL_SECONDS", 0.05)
    assert serving(CollectorConfig(log="null://", port=0), REQUEST[:-5]) == b""
    assert serving(CollectorConfig(log="null://", port=0), REQUEST[:20]) == b""


def test_what_is_no_log_is_a_clear_error() -> None:
    with pytest.raises(LogMismatch, match="postgres://x"):
        asyncio.run(open_producer(CollectorConfig(log="postgres://x")))


def test_another_partition_count_stops_the_start(tmp_path: Path) -> None:
    EmbeddedWriter(tmp_path, 1, lambda: 0).close()
    config = CollectorConfig(log=f"embedded://{tmp_path}", partitions=3)
    with pytest.raises(LogMismatch):
        asyncio.run(run(config, asyncio.Event()))


def test_a_missed_tick_does_not_end_the_ticks() -> None:
    async def main() -> list[bytes]:
        writer = MemoryWriter()
        producer = GroupCommit(writer, 1)
        times = iter(range(1, 1_000))
        writer.broken = True
        ticking = asyncio.create_task(tick(producer, lambda: next(times), 0.001))
        while not writer.writes:  # noqa: ASYNC110 - the writer's thread knows no asyncio.Event
            await asyncio.sleep(0.001)
        writer.broken = False
        while not writer.records:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        ticking.cancel()
        await producer.close()
        return [record.value for record in writer.records]

    assert b'"tick"' in asyncio.run(main())[0]


def test_an_inbox_that_cannot_be_opened_is_overload(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    config = CollectorConfig(log=f"embedded://{tmp_path}/file/data")
    with pytest.raises(Overloaded):
        asyncio.run(open_producer(config))
