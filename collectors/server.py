"""A collector process: the endpoint on uvicorn, its log, and the ticks that carry time.

SIGTERM: stop accepting, let requests under way finish, write what is gathered, exit 0.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import time_ns
from typing import Any
from urllib.parse import urlsplit

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from collectors import limits, snippet
from collectors.embedded_producer import open_embedded
from collectors.endpoint import Endpoint
from collectors.errors import LogMismatch, Overloaded
from collectors.metrics import Metrics
from collectors.producer import GroupCommit, NullWriter, Producer
from collectors.webhooks.doors import Doors

_log = logging.getLogger(__name__)


def wall_clock() -> int:
    """Milliseconds since 1970."""
    return time_ns() // 1_000_000


@dataclass(frozen=True)
class CollectorConfig:
    """What a collector is told. `log`: embedded://DIR, kafka://HOST:PORT[,HOST:PORT] or null://.

    `write_keys`: key → site; none: every key is of the site "default". `origins`: which browser
    origins may send; none: all. `snippet_path`: see `collectors.endpoint`.
    `webhook_secrets` and `webhook_mappings`: see `collectors.webhooks.doors.Doors.of`. `clock`
    gives the log's time, ms. `port` 0 takes any free one.
    """

    log: str
    partitions: int = 1
    host: str = "127.0.0.1"
    port: int = 8080
    write_keys: Mapping[str, str] = field(default_factory=dict)
    origins: tuple[str, ...] = ()
    snippet_path: str = snippet.PATH
    webhook_secrets: tuple[str, ...] = ()
    webhook_mappings: tuple[str, ...] = ()
    tick_seconds: float = 1.0
    clock: Callable[[], int] = wall_clock


async def open_producer(config: CollectorConfig, **options: Any) -> GroupCommit:
    """The log's Producer, ready. Raises Overloaded (try again) or LogMismatch (settings)."""
    url = urlsplit(config.log)
    if url.scheme == "embedded":
        directory = Path(f"{url.netloc}{url.path}")
        return await open_embedded(directory, config.partitions, config.clock, **options)
    if url.scheme == "kafka":
        from collectors.kafka_producer import open_kafka

        return await open_kafka(url.netloc.split(","), config.partitions, **options)
    if url.scheme == "null":
        return GroupCommit(NullWriter(), config.partitions, **options)
    raise LogMismatch(f"{config.log!r} is no log: embedded://DIR, kafka://HOST:PORT or null://.")


async def run(
    config: CollectorConfig,
    stop: asyncio.Event,
    on_listening: Callable[[int], None] = lambda port: None,
) -> None:
    """Serve until `stop` is set. `on_listening` hears the port, once connections are accepted."""
    metrics = Metrics()
    doors = Doors.of(config.webhook_secrets, config.webhook_mappings)
    producer = await open_producer(config, on_commit=metrics.committed)
    metrics.waiting = lambda: producer.waiting
    endpoint = Endpoint(
        producer,
        write_keys=config.write_keys,
        origins=config.origins,
        clock=config.clock,
        metrics=metrics,
        doors=doors,
        snippet_path=config.snippet_path,
    )
    server = _Server(_uvicorn_config(config, endpoint), on_listening)
    ticker = asyncio.create_task(tick(producer, config.clock, config.tick_seconds))
    stopper = asyncio.create_task(_stop_with(server, stop))
    cutter = asyncio.create_task(cut_off_slow(server))
    try:
        await server.serve()
    finally:
        for task in (ticker, stopper, cutter):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await producer.close()


def serve(config: CollectorConfig, on_listening: Callable[[int], None] = lambda port: None) -> None:
    """Run in this process until SIGTERM or SIGINT. Blocks."""

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run(config, stop, on_listening)

    uvloop.run(main())


async def tick(producer: Producer, clock: Callable[[], int], seconds: float) -> None:
    """Write the time for ever; a log that is away gets the next tick."""
    while True:
        try:
            await producer.tick(clock())
        except Overloaded as error:
            _log.warning("A tick was not written: %s", error)
        await asyncio.sleep(seconds)


class _Server(uvicorn.Server):
    """Leaves signals to the process, and says when it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[int], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_listening(self.servers[0].sockets[0].getsockname()[1])


class _Protocol(HttpToolsProtocol):
    """Knows since when its request has been arriving; uvicorn would wait without end."""

    arriving_since: float | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.arriving_since = self.loop.time()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.arriving_since = self.loop.time()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.arriving_since = None


async def cut_off_slow(server: uvicorn.Server) -> None:
    """Close connections whose request takes longer than ARRIVAL_SECONDS to arrive, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(limits.ARRIVAL_SECONDS / 10)
        latest = loop.time() - limits.ARRIVAL_SECONDS
        for connection in list(server.server_state.connections):
            since = getattr(connection, "arriving_since", None)
            if since is not None and since < latest:
                connection.transport.close()


def _uvicorn_config(config: CollectorConfig, endpoint: Endpoint) -> uvicorn.Config:
    return uvicorn.Config(
        endpoint,
        host=config.host,
        port=config.port,
        http=_Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=limits.STOP_SECONDS,
        backlog=1_024,
    )


async def _stop_with(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
