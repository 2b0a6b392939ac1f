"""A whole collector in this process, over loopback: it serves, ticks, cuts off and stops."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from collectors import server
from collectors.config import CollectorConfig
from collectors.errors import CannotListen, LogMismatch, LogUnusable, Overloaded, PathTaken
from collectors.producers.base import GroupCommit
from collectors.producers.embedded import EmbeddedWriter
from collectors.producers.opening import open_producer
from collectors.server import run, tick
from tests.collectors.producers.test_embedded import records
from tests.collectors.writers import MemoryWriter
from tests.kafka.broker import free_port

READY = b"GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n"
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
    with pytest.raises(LogMismatch, match="postgres:// is no log"):
        asyncio.run(open_producer(CollectorConfig(log="postgres://x")))


def test_another_partition_count_stops_the_start(tmp_path: Path) -> None:
    EmbeddedWriter(tmp_path, 1, lambda: 0).close()
    config = CollectorConfig(log=f"embedded://{tmp_path}", partitions=3)
    with pytest.raises(LogMismatch):
        asyncio.run(run(config, asyncio.Event()))


@pytest.mark.parametrize(
    "path",
    ["/health", "/v1/batch", "/v1/import", "/i", "/webhooks/stripe", "/flags", "/static/array.js"],
)
def test_a_snippet_is_not_served_where_something_else_is(path: str) -> None:
    config = CollectorConfig(log="null://", port=0, snippet_path=path)
    with pytest.raises(PathTaken, match=f"FOOTFALL_SNIPPET_PATH is '{path}'"):
        asyncio.run(asyncio.wait_for(run(config, asyncio.Event()), 5))


def test_a_port_that_is_taken_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = CollectorConfig(log="null://", port=port)
        with pytest.raises(CannotListen, match=rf"127\.0\.0\.1:{port}.*--port"):
            asyncio.run(run(config, asyncio.Event()))


class Away:
    """`open_producer` of a log that is away for the first attempts."""

    def __init__(self, attempts: int, then: Exception | None = None) -> None:
        self.attempts, self.then, self.writer = attempts, then, MemoryWriter()

    async def __call__(self, config: CollectorConfig, **options: Any) -> GroupCommit:
        self.attempts -= 1
        if self.attempts >= 0:
            raise Overloaded("No broker answers.")
        if self.then:
            raise self.then
        return GroupCommit(self.writer, 1)


def test_a_collector_starts_before_its_log_and_is_ready_once_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = Away(1_000_000)
    monkeypatch.setattr(server, "open_producer", away)

    async def ask(port: int, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(10_000), 10)
        writer.close()
        return answer

    async def story() -> None:
        stop = asyncio.Event()
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        config = CollectorConfig(log="null://", port=0, tick_seconds=0.001)
        running = asyncio.create_task(run(config, stop, listening.set_result))
        port = await asyncio.wait_for(listening, 10)
        assert b" 503 " in await ask(port, READY)
        refused = await ask(port, REQUEST)
        assert b" 503 " in refused and b"retry-after" in refused
        away.attempts = 0
        while b" 200 " not in await ask(port, READY):
            pass
        assert b" 200 " in await ask(port, REQUEST)
        stop.set()
        await asyncio.wait_for(running, 10)

    asyncio.run(story())
    assert sum(event.event == "Seen" for event in away.writer.events()) == 1


def test_a_log_of_other_settings_that_comes_up_late_ends_the_collector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "open_producer", Away(3, LogMismatch("other partitions")))
    config = CollectorConfig(log="null://", port=0, tick_seconds=0.001)
    with pytest.raises(LogMismatch, match="other partitions"):
        asyncio.run(asyncio.wait_for(run(config, asyncio.Event()), 10))


def test_junk_beyond_what_is_kept_gets_its_4xx_and_is_told_of_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.limits.REJECT_QUOTA_BYTES", 0)
    config = CollectorConfig(log=f"embedded://{tmp_path}", port=0)
    junk = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{"
    assert b" 400 " in serving(config, junk)
    values = [row[4] for row in records(tmp_path) if row[0] != 0 or b'"tick"' not in row[4]]
    assert [b"1 of bad_json" in value for value in values] == [True]


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


@pytest.mark.parametrize("request_", [READY, REQUEST])
def test_a_collector_whose_disk_is_short_of_room_answers_503_and_ready_says_why(
    tmp_path: Path, request_: bytes
) -> None:
    config = CollectorConfig(log=f"embedded://{tmp_path}", port=0, disk_reserve=10**15)
    answer = serving(config, request_)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert request_ != READY or b"1,000,000,000 MB are kept free: nothing is taken" in answer


def test_a_folder_below_a_file_is_refused_for_good(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    config = CollectorConfig(log=f"embedded://{tmp_path}/file/data")
    with pytest.raises(LogUnusable, match="file/data cannot be used: Not a directory"):
        asyncio.run(open_producer(config))


@contextmanager
def collecting(*flags: str) -> Iterator[subprocess.Popen[str]]:
    """A collector in a process of its own, which does not outlive the test."""
    command = [sys.executable, "-m", "footfall.cli", "collect", *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_collector_listens_and_stops_at_once_while_no_kafka_answers() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and it never listens
        port, began = free_port(), monotonic()
        log = f"kafka://127.0.0.1:{silent.getsockname()[1]}"
        with collecting("--log", log, "--port", str(port)) as collector:
            assert collector.stderr is not None
            assert any("collecting on" in line for line in collector.stderr)
            assert monotonic() - began < 6
            with pytest.raises(HTTPError, match="503"):
                urlopen(f"http://127.0.0.1:{port}/ready", timeout=5)
            assert urlopen(f"http://127.0.0.1:{port}/footfall.js", timeout=5).status == 200
            began = monotonic()
            collector.terminate()
            assert collector.wait(20) == 0
            assert monotonic() - began < 5
