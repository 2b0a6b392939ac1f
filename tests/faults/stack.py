"""A whole stack under fire: a real collector and real workers, and the driver that sends to them."""

import signal
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from random import Random
from time import sleep
from typing import NamedTuple
from urllib.request import urlopen

from pipeline.flow import FLOW
from schemas import topics
from tests.faults import feeding, traffic
from tests.faults.disk import RESERVE
from tests.faults.driver import Clock, Driver
from tests.faults.ground import EmbeddedGround, Ground, free_port
from tests.faults.kafka_ground import KafkaGround
from tests.faults.processes import Managed, footfall, until

FORWARD_SECONDS = 120
"""A rebalance after a kill, a broker's return, a slow machine: a stack that stands longer hangs."""
DRAIN_SECONDS = 300
LATENESS_DAYS = 20
"""Outages and waiting for permission last days by the fast clock; the final ticks are 30 days on.
Among wrong clocks it is a day, as usual: what is decided too early then stays so."""
FIRST = next(spec.agent for spec in FLOW if spec.reads == topics.EVENTS)


class Plan(NamedTuple):
    """What happens in a run. `events` flow in `rounds` of the scenario's disturbance.

    `seconds`: what the traffic takes at least. `pause`: how long something is away, in seconds.
    `crash`, `mutation` and `keep_parts`: see `tests.faults.process`.
    """

    seed: int
    events: int
    rounds: int
    seconds: float
    scenario: str = "kills"
    pause: float = 0.0
    partitions: int = 2
    crash: str = ""
    mutation: str = ""
    keep_parts: bool = True


class Stack:
    """Collector, workers and driver on a ground. `rng` decides all that is left to chance."""

    def __init__(self, directory: Path, plan: Plan, ground: Ground) -> None:
        self.directory, self.plan, self.ground = directory, plan, ground
        self.rng = Random(plan.seed)
        self.sendings = traffic.sendings(plan.seed, plan.events)
        self.end = max(sending.at for sending in self.sendings)
        span = self.end - self.sendings[0].at
        self.clock = Clock(self.sendings[0].at, span / plan.seconds / 1000)
        port = free_port()
        self._env = {
            **ground.settings,
            "FOOTFALL_PARTITIONS": str(plan.partitions),
            "FOOTFALL_PORT": str(port),
            "FOOTFALL_CLOCK": self.clock.setting,
            "FOOTFALL_TICK_MS": "200",
            "FOOTFALL_LATENESS": str((1 if plan.scenario == "clocks" else LATENESS_DAYS) * 86_400),
            "PYTHONUNBUFFERED": "1",
            "FAULTS_SEED": str(plan.seed),
            "FAULTS_CRASH": plan.crash,
            "FAULTS_MUTATION": plan.mutation,
            "FAULTS_KEEP_PARTS": "1" if plan.keep_parts else "",
        }
        self.collector = self._managed("collect")
        self.workers = [self.another_worker()]
        self.driver = Driver(port, directory / "accepted.jsonl")
        self.kills: dict[str, int] = {}
        self.left: list[Managed] = []
        self.strangers = 0

    def another_worker(self) -> Managed:
        """A worker that is not started yet, with a port and an output of its own."""
        return self._managed("worker", FOOTFALL_WORKER_PORT=str(free_port()))

    def wrong_collector(self, hours: float) -> Managed:
        """A collector that is not started yet, its clock ahead by so many hours of the log's time."""
        self.strangers += 1
        ahead = hours * 3_600 / self.clock.speed
        return self._managed(
            "collect",
            FOOTFALL_PORT=str(free_port()),
            LD_PRELOAD=str(faketime()),
            FAKETIME=f"{ahead:+.3f}",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )

    def _managed(self, role: str, **env: str) -> Managed:
        name = "-".join((role, *(value for name, value in env.items() if name.endswith("PORT"))))
        return Managed(role, footfall(role), self._env | env, self.directory / f"{name}.log")

    def start(self) -> None:
        """Start all; nothing is sent before `permit`."""
        self.collector.start()
        for worker in self.workers:
            worker.start()
        self.driver.start(self.sendings, self.clock)

    def permit(self, share: float) -> None:
        """Let the driver send this share of all events."""
        self.driver.limit = int(share * self.plan.events) if share < 1 else sys.maxsize

    def kill(self, victim: Managed) -> None:
        """`kill -9` on our part."""
        victim.kill()
        self.kills[victim.name] = self.kills.get(victim.name, 0) + 1

    def goes_forward(self) -> None:
        """Wait until durable state has changed; what died meanwhile is started again."""
        before = self._applied()
        until(
            "the workers go forward",
            lambda: self.revive() and self._applied() > before,
            FORWARD_SECONDS,
            0.02,
        )

    def all_take_part(self) -> None:
        """Wait until every worker has partitions."""
        until(
            "every worker has partitions",
            lambda: self.revive() and all(map(_ready, self.workers)),
            FORWARD_SECONDS,
            0.5,
        )

    def moment(self) -> None:
        """Mostly until there was progress and a moment more, else wherever things are."""
        if self.rng.random() < 0.8:
            self.goes_forward()
        sleep(self.rng.random())

    def revive(self) -> bool:
        """Start again what is dead, as a supervisor would."""
        for managed in self.everything():
            managed.revive()
        return True

    def everything(self) -> Iterator[Managed]:
        """The collector and all workers."""
        yield self.collector
        yield from self.workers

    def crashes(self) -> dict[str, int]:
        """Deaths that were not ours: at crash points, or by themselves."""
        deaths: dict[str, int] = {}
        for managed in (*self.everything(), *self.left):
            died = sum(code not in (0, -signal.SIGTERM) for code in managed.deaths)
            deaths[managed.name] = deaths.get(managed.name, 0) + died
        return {name: count - self.kills.get(name, 0) for name, count in deaths.items()}

    def _applied(self) -> int:
        return sum(position.applied + 1 for position in self.ground.progress().values())

    def lag(self) -> int:
        """Records that are durable in the log but not in some stage's state."""
        return sum(position.lag for position in self.ground.progress().values())

    def _arrived(self) -> int:
        """Records of events, ticks included."""
        positions = self.ground.progress().items()
        return sum(position.end for (stage, _), position in positions if stage == FIRST)

    def finish(self) -> None:
        """Move time on until all is over; drain; stop everything."""
        self.collector.stop()
        for each in self.workers:
            each.kill()
        worker, *rest = self.workers
        self.workers, self.left = [worker], [*self.left, *rest]
        worker.start(FAULTS_CRASH="", FOOTFALL_CLOCK=self._late)
        self._tick_on()
        until(
            "the worker has drained the log",
            lambda: self._alive() and self.lag() == 0,
            DRAIN_SECONDS,
            0.2,
        )
        code = worker.stop()
        assert code == 0, f"the worker ended with {code}:\n{worker.tail()}"

    @property
    def _late(self) -> str:
        """A clock by which all is over."""
        return f"{self.end + feeding.LATER_MS},{self.clock.wall},1"

    def _tick_on(self) -> None:
        """Two ticks and more of a time when all is over."""
        enough = self._arrived() + 2 * self.plan.partitions
        self.collector.start(FOOTFALL_CLOCK=self._late, FAULTS_CRASH="")
        until("two late ticks", lambda: self._arrived() >= enough, FORWARD_SECONDS)
        self.collector.stop()

    def _alive(self) -> bool:
        worker = self.workers[0]
        assert worker.alive, f"the worker ended by itself:\n{worker.tail()}"
        return True

    def end_all(self) -> None:
        """Leave nothing running."""
        self.driver.stop()
        for managed in self.everything():
            managed.resume()
            managed.kill()
        self.ground.close()


class EmbeddedStack(Stack):
    """One worker on the embedded log."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        super().__init__(directory, plan, EmbeddedGround(directory))


class DiskStack(EmbeddedStack):
    """The same on a small file system, which is mounted at `directory`/small already."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self.disk = directory / "small"
        (directory / "warehouse").symlink_to(self.disk / "warehouse")
        Stack.__init__(self, directory, plan, EmbeddedGround(self.disk))

    def _managed(self, role: str, **env: str) -> Managed:
        return super()._managed(role, FOOTFALL_DISK_RESERVE=str(RESERVE), **env)


class KafkaStack(Stack):
    """Workers on a real broker, with the warehouse behind a connection."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self.kafka = KafkaGround(directory)
        super().__init__(directory, plan, self.kafka)


def faketime() -> Path | None:
    """The library that gives a process another time, where it is installed."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def _ready(worker: Managed) -> bool:
    """As the worker itself says."""
    url = f"http://127.0.0.1:{worker.env['FOOTFALL_WORKER_PORT']}/ready"
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False
