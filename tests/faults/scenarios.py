"""What is done to a stack while events flow. Each call is one round of a scenario."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import sleep
from typing import Final
from urllib.request import urlopen

from tests.faults.disk import Neighbour, wait_full
from tests.faults.processes import Managed, until
from tests.faults.stack import FORWARD_SECONDS, DiskStack, KafkaStack, Stack

CROWD: Final = 3
FULL_SECONDS: Final = 30
WRONG_HOURS: Final = (48, 7, -24, 12 * 8766)
"""How far a collector's clock is ahead, by the log's time: two days, a shift, yesterday, 2038."""
WRONG_SECONDS: Final = 5
WINDOWS: Final = "read:0.1,rows:0.1,stored:0.3,outputs:0.3,delta:0.3,committed:0.1"
"""Where a worker may freeze; most at steps 5 to 7, where it becomes a zombie that matters."""


def kill_one(stack: Stack) -> None:
    """`kill -9` of the collector or a worker, at any moment; it is started again."""
    stack.moment()
    victim = stack.rng.choice(stack.workers) if stack.rng.random() < 0.7 else stack.collector
    stack.kill(victim)
    victim.start()


def disk_full(stack: Stack) -> None:
    """A neighbour takes the last bytes at any moment, some times in a row, and goes again."""
    assert isinstance(stack, DiskStack)
    stack.moment()
    for _ in range(stack.rng.randint(1, 4)):
        neighbour = Neighbour(stack.disk)
        wait_full(stack.disk, FULL_SECONDS)
        sleep(stack.rng.choice((0, 0, 0.05, 2)) * stack.rng.random())
        neighbour.go()
        sleep(0.3 * stack.rng.random())
    stack.goes_forward()


def grow_and_shrink(stack: Stack) -> None:
    """Workers 1 → 3 → 1. Who stays is chance; who goes is told to, or killed."""
    while len(stack.workers) < CROWD:
        stack.workers.append(stack.another_worker())
        stack.workers[-1].start()
    stack.all_take_part()
    stack.moment()
    stack.rng.shuffle(stack.workers)
    while len(stack.workers) > 1:
        leaver = stack.workers.pop()
        if stack.rng.random() < 0.5:
            stack.kill(leaver)
        else:
            leaver.stop()
        stack.left.append(leaver)
    stack.goes_forward()


def freeze_one(stack: Stack) -> None:
    """A worker freezes between two steps of the protocol and thaws when another has gone on.

    Then the other is killed: the one that froze must carry on from what its successor left.
    """
    victim = stack.another_worker()
    stack.workers.append(victim)
    victim.start(FAULTS_FREEZE=WINDOWS)
    until("the worker froze", lambda: stack.revive() and victim.frozen, FORWARD_SECONDS, 0.2)
    stack.goes_forward()
    sleep(stack.plan.pause)
    victim.resume()
    stack.goes_forward()
    stack.moment()
    other = stack.workers.pop(0)
    stack.kill(other)
    stack.left.append(other)
    stack.goes_forward()


def broker_away(stack: Stack) -> None:
    """The broker is killed, and comes back with its data."""
    assert isinstance(stack, KafkaStack)
    stack.moment()
    stack.kafka.broker.kill()
    sleep(stack.plan.pause)
    stack.kafka.broker.start()
    stack.goes_forward()


def warehouse_away(stack: Stack) -> None:
    """The warehouse is killed, and comes back with its data."""
    assert isinstance(stack, KafkaStack)
    stack.moment()
    stack.kafka.service.kill()
    sleep(stack.plan.pause)
    stack.kafka.service.start()
    stack.goes_forward()


def freeze_and_crowd(stack: Stack) -> None:
    """The short form of two."""
    freeze_one(stack)
    grow_and_shrink(stack)


def wrong_clock(stack: Stack) -> None:
    """For five seconds a second collector, whose clock is wrong, takes what the driver sends."""
    hours = WRONG_HOURS[stack.strangers % len(WRONG_HOURS)]
    stack.goes_forward()
    stranger = stack.wrong_collector(hours)
    stranger.start()
    try:
        until("the wrong one takes events", lambda: _answers(stranger), FORWARD_SECONDS)
        stack.driver.port = int(stranger.env["FOOTFALL_PORT"])
        sleep(WRONG_SECONDS)
        stack.driver.port = int(stack.collector.env["FOOTFALL_PORT"])
    finally:
        stranger.stop()
    stack.goes_forward()


def _answers(collector: Managed) -> bool:
    try:
        url = f"http://127.0.0.1:{collector.env['FOOTFALL_PORT']}/ready"
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


Round = Callable[[Stack], None]

EMBEDDED: Final[Mapping[str, Round]] = {
    "kills": kill_one,
    "disk": disk_full,
    "clocks": wrong_clock,
}
KAFKA: Final[Mapping[str, Round]] = {
    "kafka-kills": kill_one,
    "kafka-workers": grow_and_shrink,
    "kafka-freeze": freeze_one,
    "kafka-broker": broker_away,
    "kafka-warehouse": warehouse_away,
    "kafka-short": freeze_and_crowd,
}
SCENARIOS: Final[Mapping[str, Round]] = {**EMBEDDED, **KAFKA}
