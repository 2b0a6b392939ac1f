"""One key sends ten times what it may: others notice nothing, and every event is accounted for."""

import asyncio
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from time import monotonic, sleep
from typing import NamedTuple
from urllib.request import urlopen

import pytest

from collectors.access.rate_limits import BURST_SECONDS
from footfall.processes.worker_client import WorkerClient, wait_until

SECONDS = 12.0
NOISY_RATE, NOISY_BATCH, NOISY_CONNECTIONS = 200, 20, 8
GOOD_PAUSE, GOOD_BATCH = 0.1, 5
P99_SECONDS = 2.0
_STORED = "SELECT message_id FROM events FINAL WHERE site = {site:String}"
_COUNT = "SELECT count() AS stored FROM events FINAL WHERE site = {site:String}"


class Stack(NamedTuple):
    collector: WorkerClient
    worker: WorkerClient


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    port, worker_port = _free_port(), _free_port()
    settings = {
        "LOG": f"embedded://{tmp_path}",
        "WAREHOUSE": f"chdb://{tmp_path / 'warehouse'}",
        "PORT": str(port),
        "WORKER_PORT": str(worker_port),
        "WRITE_KEYS": f"noisy:a rate={NOISY_RATE},good:b",
    }
    environment = {f"FOOTFALL_{name}": value for name, value in settings.items()}
    with (tmp_path / "up.log").open("wb") as log:
        up = subprocess.Popen(
            [sys.executable, "-m", "footfall.cli", "up"],
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
        )
    clients = Stack(
        WorkerClient(f"http://127.0.0.1:{port}"), WorkerClient(f"http://127.0.0.1:{worker_port}")
    )
    try:
        assert wait_until(lambda: clients.collector.is_ready() and clients.worker.is_ready(), 40)
        yield clients
    finally:
        up.terminate()
        up.wait(40)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def batch(run: str, number: int, events: int) -> bytes:
    """Events with a device and an id each; no two batches share one."""
    return json.dumps(
        {
            "batch": [
                {
                    "type": "track",
                    "event": "Seen",
                    "anonymousId": f"{run}-{number % 500}",
                    "messageId": f"{run}-{number}-{place}",
                    "properties": {"text": "x" * 300},
                }
                for place in range(events)
            ]
        }
    ).encode()


def _flood(port: int, told: Connection) -> None:
    told.send(asyncio.run(_flooded(port)))


async def _flooded(port: int) -> Counter[str]:
    until = monotonic() + SECONDS
    lines = (_line(port, line, until) for line in range(NOISY_CONNECTIONS))
    return sum(await asyncio.gather(*lines), Counter())


async def _line(port: int, line: int, until: float) -> Counter[str]:
    """Ask again at once, whatever the answer: a sender that obeys no Retry-After."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers, number = Counter[str](), 0
    while monotonic() < until:
        body = batch(f"noisy{line}", number, NOISY_BATCH)
        head = f"POST /v1/batch?writeKey=noisy HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        answers[answer.split()[1].decode()] += 1
        number += 1
    writer.close()
    return answers


def _send_politely(port: int) -> tuple[dict[str, float], list[float]]:
    """When each request's last event was promised, and how long each answer took."""
    promised: dict[str, float] = {}
    waits: list[float] = []
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    begun = monotonic()
    for number in range(int(SECONDS / GOOD_PAUSE)):
        sleep(max(0.0, begun + number * GOOD_PAUSE - monotonic()))
        asked = monotonic()
        connection.request("POST", "/v1/batch?writeKey=good", batch("good", number, GOOD_BATCH))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        promised[f"good-{number}-{GOOD_BATCH - 1}"] = monotonic()
        waits.append(monotonic() - asked)
    connection.close()
    return promised, waits


def _read(stack: Stack, readable: dict[str, float], stop: threading.Event) -> None:
    """Note when each event is first in a query's answer; the time that asking takes counts."""
    while not stop.wait(0.1):
        for row in stack.worker.query(_STORED, {"site": "b"}):
            readable.setdefault(row["message_id"], monotonic())


def _stored(stack: Stack, site: str) -> int:
    return int(stack.worker.query(_COUNT, {"site": site})[0]["stored"])


def test_a_flood_from_one_key_costs_the_others_nothing_and_is_counted_exactly(stack: Stack) -> None:
    port = int(stack.collector.url.rpartition(":")[2])
    answers_from, answers_to = multiprocessing.Pipe(duplex=False)
    flood = multiprocessing.get_context("spawn").Process(target=_flood, args=(port, answers_to))
    readable: dict[str, float] = {}
    stop = threading.Event()
    reader = threading.Thread(target=_read, args=(stack, readable, stop))
    reader.start()
    flood.start()
    promised, waits = _send_politely(port)
    answers = answers_from.recv()
    flood.join(20)
    assert wait_until(lambda: promised.keys() <= readable.keys(), 20)
    stop.set()
    reader.join()
    lags = [readable[name] - promised[name] for name in promised]

    offered = sum(answers.values()) * NOISY_BATCH / SECONDS
    taken = answers["200"] * NOISY_BATCH
    print(
        f"offered {offered:,.0f} events/s to a rate of {NOISY_RATE}, {dict(answers)}, "
        f"others: answer p99 {quantiles(waits, n=100)[98]:.3f} s, "
        f"readable p99 {quantiles(lags, n=100)[98]:.2f} s"
    )
    assert offered >= 10 * NOISY_RATE
    assert set(answers) == {"200", "429"}
    assert taken <= NOISY_RATE * (BURST_SECONDS + SECONDS + 1) + NOISY_BATCH * NOISY_CONNECTIONS
    assert quantiles(waits, n=100)[98] <= P99_SECONDS
    assert quantiles(lags, n=100)[98] <= P99_SECONDS
    assert wait_until(lambda: _stored(stack, "a") >= taken, 20)
    assert (_stored(stack, "a"), _stored(stack, "b")) == (taken, len(promised) * GOOD_BATCH)
    limited = f'footfall_collector_limited_requests_total{{site="a"}} {float(answers["429"])}'
    with urlopen(f"{stack.collector.url}/metrics") as metrics:
        assert limited in metrics.read().decode()
