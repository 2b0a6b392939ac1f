"""`python -m tests.faults.mutants`: each way of being wrong must be noticed; says by what.

Exits 1 where a mutant survives, or where the unchanged product does not come out right.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from itertools import product
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

from tests.faults.harness import Plan, run
from tests.faults.mutations import IN_PROCESS, IN_PROCESSES, Mutation
from tests.faults.worlds import WORLDS, Verdict

SEEDS: Final = 25
UNCHANGED_SEEDS: Final = 3
"""For the product itself, which meets more of them in the tests."""
PLAN: Final = Plan(seed=1, events=1_500, rounds=2, seconds=6, crash="append:0.05")
WIDTH: Final = 90
"""Characters shown of what was noticed."""


class Fate(NamedTuple):
    """Of a mutant: which check noticed it, with which seed, and what. `check` "": it survived."""

    check: str
    seed: int
    noticed: str


SURVIVED: Final = Fate("", -1, "")


def fate_of(mutation: Mutation, seeds: int = SEEDS) -> Fate:
    """Let a mutation loose on all worlds, seed after seed, until one shows it.

    Raises where it cannot be made: then nothing was shown.
    """
    with mutation():
        pass
    for seed, (name, verdict) in product(range(seeds), WORLDS.items()):
        if noticed := _noticed(verdict, seed, mutation):
            return Fate(name, seed, noticed)
    return SURVIVED


def _noticed(verdict: Verdict, seed: int, mutation: Mutation) -> str:
    try:
        return next(iter(verdict(seed, mutation)), "")
    except Exception as error:  # noqa: BLE001  # a mutant may fail in any way
        return f"{type(error).__name__}: {error}"


def fate_in_processes(name: str) -> Fate:
    """The same with real processes and kills. `name` "": the product itself."""
    with tempfile.TemporaryDirectory(prefix="footfall-mutant-") as directory:
        try:
            outcome = run(Path(directory), PLAN._replace(mutation=name), lambda text: None)
        except AssertionError as error:
            return Fate("real processes", PLAN.seed, str(error))
    wrong = outcome.wrong
    return Fate("real processes", PLAN.seed, wrong[0]) if wrong else SURVIVED


def _show(name: str, find: Callable[[], Fate]) -> Fate:
    begun = monotonic()
    fate = find()
    by = f"{fate.check} (seed {fate.seed})" if fate.check else "nothing"
    seen = " ".join(fate.noticed.split())[:WIDTH]
    print(f"{name:34} {by:34} {monotonic() - begun:5.1f} s  {seen}", flush=True)
    return fate


def main() -> int:
    """Print a line for each mutant."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutants", description=__doc__)
    parser.parse_args()
    print(f"{'mutant':34} {'noticed by':34}  after  what was seen")
    mutants = {name: partial(fate_of, mutation) for name, mutation in IN_PROCESS.items()}
    mutants |= {name: partial(fate_in_processes, name) for name in IN_PROCESSES}
    survivors = [name for name, find in mutants.items() if not _show(name, find).check]
    unchanged = {
        "(the product, simulated)": partial(fate_of, nullcontext, UNCHANGED_SEEDS),
        "(the product, real processes)": partial(fate_in_processes, ""),
    }
    wrong = [name for name, find in unchanged.items() if _show(name, find).check]
    print(f"{len(mutants)} mutants, survived: {', '.join(survivors) or 'none'}")
    return 1 if survivors or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
