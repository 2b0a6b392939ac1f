"""A whole embedded stack under fire: real collector and worker, killed while a driver sends.

One run: traffic flows by a fast clock, processes die at random moments and are started again; then
time moves on until every session is over, the worker drains the log, all stop, and the warehouse
is compared with the oracle.
"""

import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import NamedTuple

from pipeline.flow import FLOW
from tests.faults import feeding, traffic
from tests.faults.driver import Clock, Driver
from tests.faults.processes import Managed, footfall, until

READY_SECONDS = 30
DRAIN_SECONDS = 120


class Plan(NamedTuple):
    """What happens in a run. `seconds`: how long the traffic takes at least."""

    seed: int
    events: int
    kills: int
    seconds: float
    partitions: int = 2
    crash: str = ""
    mutation: str = ""
    keep_parts: bool = True


class Outcome(NamedTuple):
    """How a run ended. `wrong` is empty when everything equals the oracle."""

    wrong: list[str]
    accepted: int
    kills: dict[str, int]
    crashes: dict[str, int]
    answers: dict[int, int]
    seconds: float


class Stack:
    """Collector and worker on an embedded log in one directory."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self.directory, self.plan = directory, plan
        directory.mkdir(parents=True, exist_ok=True)
        self.sendings = traffic.sendings(plan.seed, plan.events)
        self.end = max(sending.at for sending in self.sendings)
        span = self.end - self.sendings[0].at
        self.clock = Clock(self.sendings[0].at, span / plan.seconds / 1000)
        self.port, worker_port = _free_port(), _free_port()
        self.env = {
            "FOOTFALL_LOG": f"embedded://{directory}",
            "FOOTFALL_WAREHOUSE": f"chdb://{directory / 'warehouse'}",
            "FOOTFALL_PARTITIONS": str(plan.partitions),
            "FOOTFALL_PORT": str(self.port),
            "FOOTFALL_WORKER_PORT": str(worker_port),
            "FOOTFALL_CLOCK": self.clock.setting,
            "FOOTFALL_TICK_MS": "200",
            "FOOTFALL_LATENESS": str(3 * 86_400),  # outages last hours by the fast clock
            "PYTHONUNBUFFERED": "1",
            "FAULTS_SEED": str(plan.seed),
            "FAULTS_CRASH": plan.crash,
            "FAULTS_MUTATION": plan.mutation,
            "FAULTS_KEEP_PARTS": "1" if plan.keep_parts else "",
        }
        self.collector = self._managed("collect")
        self.worker = self._managed("worker")
        self.driver = Driver(self.port, self.accepted)

    @property
    def accepted(self) -> Path:
        """The driver's file."""
        return self.directory / "accepted.jsonl"

    def _managed(self, role: str) -> Managed:
        return Managed(role, footfall(role), self.env, self.directory / f"{role}.log")

    def lag(self) -> int:
        """Records that are durable in the log but not in some stage's state."""
        return sum(max(0, end - 1 - applied) for end, applied in _progress(self.directory).values())

    def applied(self) -> int:
        """How far the stages are, summed up: it grows while the worker works."""
        return sum(applied for _, applied in _progress(self.directory).values())

    def finish(self) -> None:
        """Move time on until all is over; drain; stop everything."""
        self.collector.stop()
        self.worker.kill()
        self.worker.start(FAULTS_CRASH="")
        later = self.end + feeding.LATER_MS
        ticks = _ends(self.directory)
        self.collector.start(FOOTFALL_CLOCK=f"{later},{self.clock.wall},1", FAULTS_CRASH="")
        until(
            "two ticks of the last hour", lambda: _ends(self.directory) > ticks + 3, READY_SECONDS
        )
        self.collector.stop()
        until("the worker has drained the log", lambda: self._alive() and self.lag() == 0,
              DRAIN_SECONDS)  # fmt: skip
        code = self.worker.stop()
        assert code == 0, f"the worker ended with {code}:\n{self.worker.tail()}"

    def _alive(self) -> bool:
        assert self.worker.alive, f"the worker ended by itself:\n{self.worker.tail()}"
        return True

    def end_all(self) -> None:
        """Leave nothing running."""
        self.driver.stop()
        self.collector.kill()
        self.worker.kill()


def run(directory: Path, plan: Plan, say: Callable[[str], None] = print) -> Outcome:
    """One run of a plan. Raises AssertionError where the stack does not get to the end."""
    begun, stack, rng = monotonic(), Stack(directory, plan), Random(plan.seed)
    kills: dict[str, int] = {}
    try:
        stack.collector.start()
        stack.worker.start()
        stack.driver.start(stack.sendings, stack.clock)
        for number in range(plan.kills):
            victim = _choose(rng, stack)
            _wait_for_a_moment(rng, stack)
            victim.kill()
            victim.start()
            kills[victim.name] = kills.get(victim.name, 0) + 1
            say(f"kill {number + 1}/{plan.kills}: {victim.name}, {stack.driver.sent} events in")
        until("every body has its 2xx", lambda: _revive(stack) and stack.driver.finished.is_set(),
              plan.seconds + DRAIN_SECONDS)  # fmt: skip
        assert not stack.driver.refused, stack.driver.refused
        crashes = _crashes(stack, kills)
        stack.finish()
    finally:
        stack.end_all()
    wrong = judged(directory)
    return Outcome(
        wrong, stack.driver.sent, kills, crashes, stack.driver.answers, monotonic() - begun
    )


def _choose(rng: Random, stack: Stack) -> Managed:
    return stack.worker if rng.random() < 0.7 else stack.collector


def _wait_for_a_moment(rng: Random, stack: Stack) -> None:
    """Mostly until the worker has done something again and a moment more, else wherever it is."""
    if rng.random() < 0.8:
        before = stack.applied()
        until("the worker goes forward", lambda: _revive(stack) and stack.applied() > before,
              READY_SECONDS, 0.01)  # fmt: skip
    sleep(rng.random())


def _revive(stack: Stack) -> bool:
    stack.collector.revive()
    stack.worker.revive()
    return True


def _crashes(stack: Stack, kills: Mapping[str, int]) -> dict[str, int]:
    """Deaths that were not ours: at crash points."""
    return {
        each.name: len(each.deaths) - kills.get(each.name, 0)
        for each in (stack.collector, stack.worker)
    }


def judged(directory: Path) -> list[str]:
    """Compare in a process of its own: chDB belongs to one directory in each process."""
    found = subprocess.run(
        [sys.executable, "-m", "tests.faults.judge", str(directory)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    wrong: list[str] = json.loads(found.stdout.splitlines()[-1])
    return wrong


def _progress(directory: Path) -> dict[tuple[str, int], tuple[int, int]]:
    """Per stage and partition: the log's end and the durable `applied`."""
    ends = _query(directory / "inbox.db", _ENDS) | _query(directory / "work.db", _ENDS)
    applied = _query(directory / "work.db", _APPLIED)
    return {
        (leg.agent, partition): (end, applied.get((leg.agent, partition), -1))
        for leg in FLOW
        for (topic, partition), end in ends.items()
        if topic == leg.reads.name
    }


def _ends(directory: Path) -> int:
    return sum(_query(directory / "inbox.db", _ENDS).values())


_ENDS = "SELECT topic, partition, next_offset FROM partitions"
_APPLIED = """
SELECT stage, partition, max(applied) FROM (
    SELECT stage, partition, applied FROM deltas
    UNION ALL SELECT stage, partition, applied FROM snapshots
) GROUP BY stage, partition"""


def _query(path: Path, sql: str) -> dict[tuple[str, int], int]:
    """Rows (text, number, number); none while the file or its tables are not there yet."""
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    except sqlite3.OperationalError:
        return {}
    try:
        return {(name, number): value for name, number, value in database.execute(sql)}
    except sqlite3.OperationalError:
        return {}
    finally:
        database.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
