"""`python -m tests.faults --kills 200 --events 200000`: the long fault run, with progress."""

import argparse
import sys
import tempfile
from pathlib import Path
from random import SystemRandom

from tests.faults.harness import Plan, run

SECONDS_PER_KILL = 3.5
"""A killed worker is back and at work after about so long."""


def main() -> int:
    """Run one plan; 0 when everything equals the oracle."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    parser.add_argument("--crash", default="", help="point:chance[,…]; see tests.faults.breaking")
    given = parser.parse_args()
    seconds = given.kills * SECONDS_PER_KILL
    plan = Plan(given.seed, given.events, given.kills, seconds, crash=given.crash, keep_parts=False)
    print(plan, flush=True)
    with tempfile.TemporaryDirectory(prefix="footfall-faults-") as directory:
        outcome = run(Path(directory), plan, lambda text: print(text, flush=True))
    print(f"{outcome.accepted} events accepted, killed {outcome.kills}, crashed {outcome.crashes}, "
          f"answers {outcome.answers}, {outcome.seconds:.0f} s")  # fmt: skip
    for difference in outcome.wrong:
        print("WRONG", difference)
    print("different from the oracle" if outcome.wrong else "equal to the oracle")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
