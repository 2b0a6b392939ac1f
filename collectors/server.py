"""A collector process: the endpoint on uvicorn, its log, and the ticks that carry time.

SIGTERM: stop accepting, let requests under way finish, write what is gathered, exit 0.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

import uvicorn
import uvloop

from collectors import limits
from collectors.config import CollectorConfig
from collectors.endpoint import Endpoint
from collectors.enrichment import Enricher
from collectors.errors import Overloaded
from collectors.http_server import Server, cut_off_slow, uvicorn_config
from collectors.metrics import Metrics
from collectors.producers.base import Producer
from collectors.producers.lazy import LazyProducer
from collectors.producers.opening import open_producer
from collectors.producers.quota import QuotaProducer
from collectors.webhook_settings import router_of

SWITCH_SECONDS: Final = 0.0005
"""How long the event loop's thread may keep the log writer's waiting for the interpreter. It asks some
ten times a commit: at Python's own 5 ms, that would take longer than the disk."""
GARBAGE: Final = 10_000
"""How many more objects there must be before cycles are looked for. At Python's own 700, all that
waits for the log is looked at again and again: up to a third of the time where much is waiting."""

_log = logging.getLogger(__name__)


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
    tasks = [asyncio.create_task(another) for another in beside]
    for task in tasks:
        task.add_done_callback(lambda end: _stop(server))
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


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True
