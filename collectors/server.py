"""A collector process: the endpoint on uvicorn, its log, and the ticks that carry time.

SIGTERM: stop accepting, let requests under way finish, write what is gathered, exit 0.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from time import time_ns
from typing import Any, Final

import httptools
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from collectors import limits, snippet
from collectors.endpoint import Endpoint
from collectors.enrichment import Enricher, Enrichment
from collectors.errors import CannotListen, LogMismatch, Overloaded
from collectors.metrics import Metrics
from collectors.producers.base import GroupCommit, NullWriter, Producer
from collectors.producers.embedded import open_embedded
from collectors.producers.lazy import LazyProducer
from collectors.producers.quota import QuotaProducer
from collectors.webhook_settings import router_of
from schemas.keys import Keys
from schemas.store_urls import EmbeddedLog, KafkaLog, log_url

SWITCH_SECONDS: Final = 0.0005
"""How long the event loop's thread may keep the log writer's waiting for the interpreter. It asks some
ten times a commit: at Python's own 5 ms, that would take longer than the disk."""
GARBAGE: Final = 10_000
"""How many more objects there must be before cycles are looked for. At Python's own 700, all that
waits for the log is looked at again and again: up to a third of the time where much is waiting."""

_log = logging.getLogger(__name__)


def wall_clock() -> int:
    """Milliseconds since 1970."""
    return time_ns() // 1_000_000


@dataclass(frozen=True)
class CollectorConfig:
    """What a collector is told. `log`: embedded://DIR, kafka://HOST:PORT[,HOST:PORT] or null://.

    `keys`: who may write what; none: everybody everything, to the site "default".
    `snippet_path`: see `collectors.endpoint`.
    `webhook_secrets` and `webhook_mappings`: see `collectors.webhook_settings.router_of`. `clock`
    gives the log's time, ms. `port` 0 takes any free one. `disk_reserve`: bytes that an embedded log
    leaves free on its disk.
    """

    log: str
    partitions: int = 1
    host: str = "127.0.0.1"
    port: int = 8080
    keys: Keys = field(default_factory=dict)
    enrichment: Enrichment = field(default_factory=Enrichment)
    snippet_path: str = snippet.PATH
    webhook_secrets: tuple[str, ...] = ()
    webhook_mappings: tuple[str, ...] = ()
    tick_seconds: float = 1.0
    clock: Callable[[], int] = wall_clock
    disk_reserve: int = 0


async def open_producer(config: CollectorConfig, **options: Any) -> GroupCommit:
    """The log's Producer, ready. Raises Overloaded (try again) or LogMismatch (settings)."""
    try:
        log = log_url(config.log)
    except ValueError as error:
        raise LogMismatch(str(error)) from None
    if isinstance(log, EmbeddedLog):
        where = (Path(log.directory), config.partitions, config.clock, config.disk_reserve)
        return await open_embedded(*where, **options)
    if isinstance(log, KafkaLog):
        from collectors.producers.kafka import open_kafka

        return await open_kafka(log.servers, config.partitions, **options)
    return GroupCommit(NullWriter(), config.partitions, **options)


async def run(
    config: CollectorConfig,
    stop: asyncio.Event,
    on_listening: Callable[[int], None] = lambda port: None,
) -> None:
    """Serve until `stop` is set. `on_listening` hears the port, once connections are accepted.

    Until the log is open, nothing is taken: see `limits.OPENING_SECONDS`. Raises LogMismatch, LogDamaged,
    CannotListen and PathTaken.
    """
    metrics = Metrics()
    log = LazyProducer(lambda: open_producer(config, on_commit=metrics.committed))
    producer = QuotaProducer(log, config.clock, metrics.refused)
    metrics.waiting = lambda: producer.waiting
    metrics.clock = config.clock
    server = Server(uvicorn_config(config, _endpoint(config, producer, metrics)), on_listening)
    opening = await _opening(log)
    try:
        await _serve_beside(
            server,
            stop.wait(),
            cut_off_slow(server),
            _tick_once_open(opening, producer, config),
        )
    finally:
        await producer.close()


def _endpoint(config: CollectorConfig, producer: Producer, metrics: Metrics) -> Endpoint:
    enricher = Enricher.of(config.enrichment)
    return Endpoint(
        producer,
        keys=config.keys,
        clock=config.clock,
        metrics=metrics,
        router=router_of(config.webhook_secrets, config.webhook_mappings, enricher),
        enricher=enricher,
        snippet_path=config.snippet_path,
    )


async def _opening(log: LazyProducer) -> asyncio.Task[Producer]:
    """The first attempt at the log, over where the log is there. Raises what ends a collector."""
    opening = asyncio.create_task(log.open())
    await asyncio.wait([opening], timeout=limits.OPENING_SECONDS)
    if opening.done():
        with suppress(Overloaded):  # the first tick says so
            opening.result()
    return opening


async def _tick_once_open(
    opening: asyncio.Task[Producer], producer: Producer, config: CollectorConfig
) -> None:
    with suppress(Overloaded):
        await opening
    await tick(producer, config.clock, config.tick_seconds)


async def _serve_beside(server: uvicorn.Server, *beside: Coroutine[Any, Any, object]) -> None:
    """Serve until one of the others ends. Raises what ended it, such as a log of other settings."""
    tasks = [asyncio.create_task(other) for other in beside]
    for task in tasks:
        task.add_done_callback(lambda ended: _stop(server))
    try:
        await server.serve()
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for failure in ends:
        if isinstance(failure, Exception):
            raise failure


def serve(config: CollectorConfig, on_listening: Callable[[int], None] = lambda port: None) -> None:
    """Run in this process until SIGTERM or SIGINT. Blocks."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(GARBAGE)

    def listening(port: int) -> None:
        gc.freeze()  # programs and settings never become garbage
        on_listening(port)

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run(config, stop, listening)

    uvloop.run(main())


async def tick(producer: Producer, clock: Callable[[], int], seconds: float) -> None:
    """Write the time for ever; a log that is away gets the next tick. Raises LogMismatch and LogDamaged."""
    while True:
        try:
            await producer.tick(clock())
        except Overloaded as error:
            _log.warning("A tick was not written: %s", error)
        await asyncio.sleep(seconds)


class Server(uvicorn.Server):
    """Leaves signals to the process, and says when it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[int], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: Any = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as ended:  # uvicorn's answer to an OSError, which it has logged
            raise CannotListen(
                f"The collector cannot listen on {self.config.host}:{self.config.port}: "
                f"{ended.__context__}. Stop what uses it, or choose another: --port, --host."
            ) from ended
        if self.started:
            self._on_listening(self.servers[0].sockets[0].getsockname()[1])


class _Protocol(HttpToolsProtocol):
    """Knows since when it waits for its other end, and how long the head of its request is.

    uvicorn would wait, and listen, without end.
    """

    arriving_since: float | None = None
    unread_since: float | None = None
    closing_since: float | None = None
    _head: int | None = 0
    """Bytes of the pieces that its request's head has come in; None once it is whole."""
    _piece = 0

    def waiting_since(self) -> float:
        """Since when it waits for a request, for its answer's reader or for its own end."""
        since = (self.arriving_since, self.unread_since, self.closing_since)
        return min((one for one in since if one is not None), default=inf)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.arriving_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        self._piece = len(data)
        super().data_received(data)
        if self.arriving_since is None and self.cycle.response_complete:
            self.arriving_since = self.loop.time()  # blank lines, which are no request yet
        if self._head is not None:
            self._head += len(data)
            if self._head > limits.MAX_HEAD and not self.transport.is_closing():
                self.send_400_response(_LARGE_HEAD)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.arriving_since, self._head = self.loop.time(), 0

    def on_headers_complete(self) -> None:
        self._head = None
        if self._piece > limits.MAX_HEAD and _size(self.headers) > limits.MAX_HEAD:
            raise httptools.HttpParserError(_LARGE_HEAD)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.arriving_since = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.unread_since = None

    def _unsupported_upgrade_warning(self) -> None:
        """What follows is in no protocol of ours, and the parser reads no further."""
        self.cycle.keep_alive = False


_LARGE_HEAD: Final = "The head of the request is too large."


def _size(headers: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in headers)


async def cut_off_slow(server: uvicorn.Server) -> None:
    """End connections that keep us waiting for longer than ARRIVAL_SECONDS, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(limits.ARRIVAL_SECONDS / 10)
        now = loop.time()
        for connection in list(server.server_state.connections):
            assert isinstance(connection, _Protocol)
            if connection.transport.is_closing() and connection.closing_since is None:
                connection.closing_since = now
            if connection.waiting_since() < now - limits.ARRIVAL_SECONDS:
                connection.transport.abort()  # to close it would be to wait for its reader


def uvicorn_config(config: CollectorConfig, application: Any) -> uvicorn.Config:
    """How an ASGI application is served on `config`'s address."""
    return uvicorn.Config(
        application,
        host=config.host,
        port=config.port,
        http=_Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",  # of what strangers send there would be a line each
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=limits.STOP_SECONDS,
        backlog=1_024,
    )


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True
