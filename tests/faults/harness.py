"""One run: traffic flows by a fast clock while a scenario disturbs; then the oracle recounts.

At the end time moves on until every session is over, a worker drains the log, all stop, and the
warehouse is compared.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from tests.faults.disk import small_disk
from tests.faults.processes import until
from tests.faults.scenarios import EMBEDDED, KAFKA, SCENARIOS
from tests.faults.stack import DRAIN_SECONDS, DiskStack, EmbeddedStack, KafkaStack, Plan, Stack

__all__ = ["Outcome", "Plan", "run"]


class Outcome(NamedTuple):
    """How a run ended. `wrong` is empty when everything equals the oracle."""

    wrong: list[str]
    accepted: int
    kills: dict[str, int]
    crashes: dict[str, int]
    answers: dict[int, int]
    seconds: float


def run(directory: Path, plan: Plan, say: Callable[[str], None] = print) -> Outcome:
    """One run of a plan. Raises AssertionError where the stack does not get to the end."""
    directory.mkdir(parents=True, exist_ok=True)
    with small_disk(directory / "small") if plan.scenario == "disk" else nullcontext():
        return _run(directory, plan, say)


def _run(directory: Path, plan: Plan, say: Callable[[str], None]) -> Outcome:
    begun = monotonic()
    make = EmbeddedStack if plan.scenario in EMBEDDED else KafkaStack
    make = DiskStack if plan.scenario == "disk" else make
    stack = make(directory, plan)
    try:
        _disturb(stack, say)
        crashes = stack.crashes()
        stack.finish()
    finally:
        stack.end_all()
    wrong = judged(directory, zombies=plan.scenario in KAFKA)
    sent, answers = stack.driver.sent, stack.driver.answers
    return Outcome(wrong, sent, stack.kills, crashes, answers, monotonic() - begun)


def _disturb(stack: Stack, say: Callable[[str], None]) -> None:
    plan, begun = stack.plan, monotonic()
    disturb = SCENARIOS[plan.scenario]
    stack.start()
    stack.permit(1 / (plan.rounds + 1))
    stack.goes_forward()
    for number in range(1, plan.rounds + 1):
        stack.permit(number / (plan.rounds + 1))
        disturb(stack)
        say(
            f"{plan.scenario} {number}/{plan.rounds}: {stack.driver.sent} events in, "
            f"{monotonic() - begun:.0f} s"
        )
    stack.permit(1.0)
    until(
        "every body has its 2xx",
        lambda: stack.revive() and stack.driver.finished.is_set(),
        plan.seconds + DRAIN_SECONDS,
    )
    assert not stack.driver.refused, stack.driver.refused


def judged(directory: Path, *, zombies: bool) -> list[str]:
    """Compare in a process of its own: chDB belongs to one directory in each process."""
    command = [sys.executable, "-m", "tests.faults.judge", str(directory)]
    command += ["--zombies"] if zombies else []
    judge = subprocess.run(command, capture_output=True, text=True, check=True)
    wrong: list[str] = json.loads(judge.stdout.splitlines()[-1])
    return wrong
