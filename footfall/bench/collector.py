"""The collector beside a bare echo server, each alone on one core, with the same requests.

First as many requests as it takes, then half of that by a schedule, for the time an answer takes.
Both alternate, and medians are taken: a shared machine's speed varies from minute to minute.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Final, NamedTuple
from uuid import uuid4

import msgspec
import uvloop

from footfall.bench import logged
from footfall.bench.compare import PARTITIONS, PREFIX, BenchError, Progress
from footfall.bench.cores import Cores, Server, on
from footfall.bench.sender import Sender
from footfall.bench.traffic import WRITE_KEY, Traffic
from footfall.processes.scratch import scratch
from footfall.processes.signals import interruptible
from pipeline.settings import Settings
from schemas.store_urls import EmbeddedLog, KafkaLog, log_url

SERVERS: Final = ("echo", "collector")
WARM_SECONDS: Final = 1.0
_KEYS: Final = f"{WRITE_KEY}:shop identify purchase origin=https://shop.example rate=1000000"


class Load(NamedTuple):
    """Events in a request, and how many requests are under way when a server is flat out."""

    per_request: int
    connections: int


LOADS: Final = (Load(1, 256), Load(100, 32))


class Run(msgspec.Struct):
    """One measurement of one server. `*_ms`: answers, when half of `requests_per_second` comes.

    `sender_busy` is the sender's share of its core while the server was flat out.
    """

    requests_per_second: float
    requests_per_cpu_second: float
    sender_busy: float
    p50_ms: float
    p99_ms: float
    worst_ms: float


class Result(msgspec.Struct):
    """Medians over the runs of one server under one load."""

    server: str
    per_request: int
    requests_per_second: float
    requests_per_cpu_second: float
    p50_ms: float
    p99_ms: float
    runs: list[Run]


def measure(
    log: str, seconds: float, rounds: int, tell: Progress, loads: Sequence[Load] = LOADS
) -> list[Result]:
    """A Result for each server under each load, over `rounds` of twice `seconds`.

    `log` is embedded://DIRECTORY, where a log is made for each run and removed after it, or
    kafka://HOST:PORT, a broker that has no events yet. Raises BenchError: also where the log does
    not hold, after a run, exactly what was acknowledged.
    """
    _check_empty(log)
    runs: dict[tuple[str, Load], list[Run]] = {}
    for load in loads:
        for number in range(1, rounds + 1):
            for server in SERVERS:
                tell(f"round {number} of {rounds}: {server}, {load.per_request} events a request")
                runs.setdefault((server, load), []).append(_run(server, load, log, seconds))
    return [_result(server, load, matches) for (server, load), matches in runs.items()]


def _check_empty(log: str) -> None:
    """Measuring into a log that somebody uses would put made-up visitors among the real ones."""
    url = log_url(log)
    if isinstance(url, EmbeddedLog) and not Path(url.directory).is_dir():
        raise BenchError(f"{url.directory} is no directory.")
    if isinstance(url, KafkaLog) and any(asyncio.run(logged.ends(_settings(log)))):
        raise BenchError(f"{log} holds events already. Give it a broker of its own.")


def _settings(log: str) -> Settings:
    return Settings({"log": log, "partitions": str(PARTITIONS), "write_keys": _KEYS}, env={})


def _run(server: str, load: Load, log: str, seconds: float) -> Run:
    url = log_url(log)
    parent = Path(url.directory) if isinstance(url, EmbeddedLog) else None
    with scratch(PREFIX, parent) as folder, interruptible():
        settings = _settings(log if parent is None else f"embedded://{folder}")
        if server == "echo":
            with _started(("footfall.bench.echo", "{port}"), settings, folder) as echo:
                return _loaded(echo, load, seconds, _name())[0]
        return _collected(settings, load, seconds, folder)


def _collected(settings: Settings, load: Load, seconds: float, folder: Path) -> Run:
    name = _name()
    command = ("footfall", "collect", "--port", "{port}")
    with _started(command, settings, folder) as collector:
        starts = asyncio.run(logged.ends(settings))
        run, events = _loaded(collector, load, seconds, name)
    asyncio.run(logged.check(settings, starts, name, events))
    return run


def _started(arguments: Sequence[str], settings: Settings, folder: Path) -> Server:
    return Server(arguments, os.environ | settings.environment(), folder)


def _name() -> str:
    return uuid4().hex[:8]


def _loaded(server: Server, load: Load, seconds: float, name: str) -> tuple[Run, int]:
    """The run, and how many events were acknowledged in it."""
    with on(Cores.found().sender):
        return uvloop.run(_load(server, load, seconds, name))


async def _load(server: Server, load: Load, seconds: float, name: str) -> tuple[Run, int]:
    sender = Sender(server.port, iter(Traffic(load.per_request, name)))
    try:
        await sender.flat_out(load.connections, WARM_SECONDS)
        cpu = server.cpu_seconds()
        sent = await sender.flat_out(load.connections, seconds)
        cpu = server.cpu_seconds() - cpu
        rate = sent.requests / sent.seconds
        waits = await sender.steadily(rate / 2, seconds)
    finally:
        sender.close()
    cuts = quantiles(waits, n=100)
    run = Run(
        requests_per_second=rate,
        requests_per_cpu_second=sent.requests / cpu,
        sender_busy=sent.busy,
        p50_ms=cuts[49] * 1e3,
        p99_ms=cuts[98] * 1e3,
        worst_ms=max(waits) * 1e3,
    )
    return run, sender.sent * load.per_request


def _result(server: str, load: Load, runs: list[Run]) -> Result:
    return Result(
        server,
        load.per_request,
        median(run.requests_per_second for run in runs),
        median(run.requests_per_cpu_second for run in runs),
        median(run.p50_ms for run in runs),
        median(run.p99_ms for run in runs),
        runs,
    )
