"""`python -m tests.faults [SCENARIO …]`: the long fault runs, with progress and a summary.

Exits 1 where a warehouse differs from the oracle or a stack does not get to the end.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import SystemRandom
from time import monotonic
from typing import Final, NamedTuple

from tests.faults.disk import cannot_mount
from tests.faults.harness import Outcome, Plan, run
from tests.faults.scenarios import KAFKA
from tests.faults.stack import faketime
from tests.kafka.broker import missing_tools

CRASHES: Final = "outputs:0.002,delta:0.002,rows:0.002,stored:0.002,append:0.0005,appended:0.0005"
"""Chances of dying in the windows that matter, beside what a scenario does."""
FULL: Final = (
    Plan(0, events=200_000, rounds=200, seconds=1_000, keep_parts=False),
    Plan(0, 60_000, 40, 300, "disk", keep_parts=False),
    Plan(0, 40_000, 8, 160, "clocks", keep_parts=False),
    Plan(0, 40_000, 40, 400, "kafka-kills", partitions=4, crash=CRASHES, keep_parts=False),
    Plan(0, 40_000, 20, 500, "kafka-workers", partitions=4, keep_parts=False),
    Plan(0, 20_000, 3, 400, "kafka-freeze", pause=90, partitions=4, keep_parts=False),
    Plan(0, 20_000, 3, 200, "kafka-broker", pause=30, partitions=4, keep_parts=False),
    Plan(0, 20_000, 3, 200, "kafka-warehouse", pause=30, partitions=4, keep_parts=False),
)


class Line(NamedTuple):
    """One run in the summary."""

    plan: Plan
    verdict: str
    outcome: Outcome | None
    seconds: float

    def __str__(self) -> str:
        plan, outcome = self.plan, self.outcome
        events, kills = (outcome.accepted, outcome.kills) if outcome else (0, {})
        died = sum(kills.values()) + (sum(outcome.crashes.values()) if outcome else 0)
        return (
            f"{plan.scenario:16} {plan.seed:7} {plan.rounds:6} {died:7} {events:8} "
            f"{self.seconds:8.0f}  {self.verdict}"
        )


HEADER: Final = "scenario            seed rounds  deaths   events  seconds  verdict"


def main() -> int:
    """Run what is asked for."""
    lines = [_run(plan) for plan in _plans(_arguments())]
    print(f"\n{HEADER}")
    for line in lines:
        print(line)
    return 1 if any(line.verdict.startswith("WRONG") for line in lines) else 0


def _arguments() -> argparse.Namespace:
    known = [plan.scenario for plan in FULL]
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help=f"{', '.join(known)}; none: all"
    )
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    parser.add_argument("--events", type=int, help="how many flow, instead of the full number")
    parser.add_argument("--rounds", type=int, help="how often something is done")
    parser.add_argument("--pause", type=float, help="seconds for which something is away")
    given = parser.parse_args()
    if unknown := set(given.scenarios) - set(known):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    return given


def _plans(given: argparse.Namespace) -> Iterator[Plan]:
    for plan in FULL:
        if given.scenarios and plan.scenario not in given.scenarios:
            continue
        rounds = given.rounds or plan.rounds
        yield plan._replace(
            seed=given.seed,
            events=given.events or plan.events,
            rounds=rounds,
            seconds=plan.seconds * rounds / plan.rounds,
            pause=plan.pause if given.pause is None else given.pause,
        )


def _run(plan: Plan) -> Line:
    if plan.scenario in KAFKA and (reason := missing_tools()):
        return Line(plan, f"not run: {reason}", None, 0.0)
    if plan.scenario == "disk" and (reason := cannot_mount()):
        return Line(plan, f"not run: {reason}", None, 0.0)
    if plan.scenario == "clocks" and faketime() is None:
        return Line(plan, "not run: libfaketime is not installed", None, 0.0)
    print(plan, flush=True)
    begun = monotonic()
    with tempfile.TemporaryDirectory(prefix="footfall-faults-") as directory:
        try:
            outcome = run(Path(directory), plan, lambda text: print(text, flush=True))
        except AssertionError as error:
            print(error, flush=True)
            return Line(plan, f"WRONG: {str(error).splitlines()[0]}", None, monotonic() - begun)
    print(f"killed {outcome.kills}, died otherwise {outcome.crashes}, answers {outcome.answers}")
    _tell(outcome.wrong)
    verdict = "WRONG" if outcome.wrong else "equal to the oracle"
    return Line(plan, verdict, outcome, outcome.seconds)


def _tell(wrong: Sequence[str]) -> None:
    for difference in wrong:
        print("WRONG", difference, flush=True)


if __name__ == "__main__":
    sys.exit(main())
