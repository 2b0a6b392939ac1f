"""The embedded stack as it runs: latency at a steady rate, memory when idle, time to restart."""

import asyncio
import http.client
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles
from time import monotonic, sleep, time_ns
from typing import Final
from urllib.parse import urlsplit

import msgspec

from collectors.producers.embedded import EmbeddedWriter
from footfall.bench import load
from footfall.bench.compare import PARTITIONS, PREFIX, BenchError
from footfall.processes.scratch import scratch
from footfall.processes.signals import interruptible
from footfall.processes.stack import WRITE_KEY, Stack
from footfall.processes.worker_client import wait_until
from pipeline.engine.state.deltas import changes_of, settle, snapshot_of
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.stages.visits.device import Device, RecentEvent
from pipeline.stages.visits.stage import NAME
from pipeline.stages.visits.state import VisitsState
from schemas import topics
from schemas.events import tick
from schemas.log_records import Append
from schemas.partitioner import partition_of

RATE: Final = 2_000
"""Events per second."""
PER_REQUEST: Final = 20
SETTLE_SECONDS: Final = 10.0
DEVICES: Final = 1_000_000
_POLL_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 60.0
_MARK: Final = "Measured"
_READABLE: Final = (
    "SELECT message_id FROM events "
    "WHERE event = {mark:String} AND time >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')"
)


class Latency(msgspec.Struct):
    """Seconds from a 2xx to the event in a query's answer; one event of each request is followed."""

    events: int
    p50: float
    p99: float
    worst: float


class Restart(msgspec.Struct):
    """Seconds from starting a killed worker until its state is loaded, and until it folds again."""

    devices: int
    loaded: float
    folding: float


def latency(seconds: float) -> tuple[Latency, dict[str, float]]:
    """Latency over `seconds` of steady traffic; before it, each process's idle memory in MB.

    Raises BenchError where the collector takes no events, StackError where a process fails.
    """
    with scratch(PREFIX) as folder, _stack(folder) as stack, interruptible():
        _start(stack)
        sleep(SETTLE_SECONDS)
        idle = {name: _resident(stack.pid(name)) for name in ("collect", "worker")}
        sender = _Sender(stack.collector.url, seconds)
        sender.start()
        waits = list(_waits(stack, sender))
        sender.join()
    if sender.failure:
        raise BenchError(f"The collector did not take events: {sender.failure}")
    cuts = quantiles(waits, n=100)
    return Latency(sender.sent, cuts[49], cuts[98], max(waits)), idle


def _stack(folder: Path) -> Stack:
    """On ports that no other stack on this machine takes between a kill and a start."""
    return Stack(folder, usual_ports=False)


def _start(stack: Stack) -> None:
    for name in ("collect", "worker"):
        stack.start(name)
        stack.wait_ready(name)


class _Sender(threading.Thread):
    """Sends at RATE; `accepted` holds when each request's first event was promised."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(daemon=True)
        self._host, self._seconds = urlsplit(url).netloc, seconds
        self.accepted: dict[str, float] = {}
        self.sent = 0
        self.failure = ""

    def run(self) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=30)
        start, number = monotonic(), 0
        while (due := start + number * PER_REQUEST / RATE) < start + self._seconds:
            sleep(max(0.0, due - monotonic()))
            connection.request("POST", "/v1/batch", _batch(number), {"Content-Type": "text/plain"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                self.failure = f"HTTP {answer.status}"
                return
            self.accepted[f"m{number}-0"] = monotonic()
            self.sent += PER_REQUEST
            number += 1


def _batch(number: int) -> bytes:
    events = [
        {
            "type": "track",
            "event": "Other" if at else _MARK,
            "messageId": f"m{number}-{at}",
            "anonymousId": f"a{(number * PER_REQUEST + at) * 7_919 % load.VISITORS}",
            "properties": {"position": at, "list": "search"},
        }
        for at in range(PER_REQUEST)
    ]
    return json.dumps({"batch": events, "writeKey": WRITE_KEY}).encode()


def _waits(stack: Stack, sender: _Sender) -> Iterator[float]:
    """Poll until everything accepted was read; poll time counts as waiting."""
    since, pending = time_ns() // 1_000_000, set[str]()
    readable_names: set[str] = set()
    deadline = monotonic() + _PATIENCE_SECONDS
    while sender.is_alive() or pending:
        if monotonic() > deadline:
            raise BenchError(f"{len(pending)} accepted events cannot be read after a minute.")
        rows = stack.worker.query(_READABLE, {"mark": _MARK, "since": since})
        now, accepted_count = monotonic(), dict(sender.accepted)
        for row in rows:
            name = row["message_id"]
            if name in accepted_count and name not in readable_names:
                readable_names.add(name)
                yield now - accepted_count[name]
        pending = accepted_count.keys() - readable_names
        sleep(_POLL_SECONDS)


def _resident(pid: int) -> float:
    """Resident memory in MB (10⁶ bytes), from Linux's /proc."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return int(fields["VmRSS"].split()[0]) * 1024 / 1e6


def restart(devices: int) -> Restart:
    """A worker with `devices` devices in its state: kill -9, start, until it works."""
    with scratch(PREFIX) as folder, _stack(folder) as stack, interruptible():
        asyncio.run(_build(folder, devices))
        _start(stack)
        _await(lambda: min(_applied(stack), default=0) > 0)
        before = max(_applied(stack))
        os.kill(stack.pid("worker"), signal.SIGKILL)
        stack.stop("worker")
        start = monotonic()
        stack.start("worker")
        loaded = _await(lambda: len(_applied(stack)) == PARTITIONS) - start
        folding = _await(lambda: min(_applied(stack), default=0) > before) - start
    return Restart(devices, loaded, folding)


async def _build(folder: Path, devices: int) -> None:
    """A log whose `visits` stage knows `devices` devices of two views each."""
    writer = EmbeddedWriter(folder, PARTITIONS, lambda: time_ns() // 1_000_000)
    line = msgspec.json.encode(tick(time_ns() // 1_000_000))
    writer.write([Append(topics.EVENTS.name, at, 0, line) for at in range(PARTITIONS)])
    writer.close()
    states = [VisitsState() for _ in range(PARTITIONS)]
    for number in range(devices):
        _remember(states, f"anon-{number:08d}")
    journal = EmbeddedJournal(folder)
    for partition, state in enumerate(states):
        state.applied = 0
        settle(state, changes_of(state))
        await journal.snapshot(NAME, partition, snapshot_of(state))
    await journal.close()


def _remember(states: list[VisitsState], device: str) -> None:
    state, now = states[partition_of(device, PARTITIONS)], time_ns() // 1_000_000
    events = [RecentEvent(now + n, f"{device}-{n:014d}", "/product/:id", True) for n in range(2)]
    state.devices.put(f"shop\n{device}", Device(now + 300_000, 0, 0, events))


def _applied(stack: Stack) -> list[int]:
    """The offsets that the worker's tasks of `visits` have applied; none where it does not answer."""
    try:
        status = json.loads(stack.worker.ask("/api/status"))
    except OSError:
        return []
    return [task["applied"] for task in status["lanes"] if task["stage"] == NAME]


def _await(condition: Callable[[], bool]) -> float:
    """When `condition` came true. Raises BenchError where it does not."""
    if not wait_until(condition, _PATIENCE_SECONDS, _POLL_SECONDS):
        raise BenchError("The worker did not get there within a minute.")
    return monotonic()
