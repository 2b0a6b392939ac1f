"""Runs one role of the product: `python -m tests.faults.process collect|worker`.

Without FAULTS_… variables it is the product and nothing else. With them it is broken on purpose:

FAULTS_CRASH=point:chance[,…]  kill itself at a named step of the protocol
FAULTS_FREEZE=point:chance[,…] stop itself there (SIGSTOP), once
FAULTS_SEED                    of those chances
FAULTS_MUTATION=name           one of `tests.faults.mutations.MUTATIONS`
FAULTS_KEEP_PARTS=1            the warehouse merges nothing, so that a row inserted twice stays two
"""

import os
import signal

from footfall.cli import main
from tests.faults import breaking
from tests.faults.mutations import MUTATIONS


def run() -> None:
    """Break what is asked for, then run the command."""
    if os.environ.get("FAULTS_KEEP_PARTS"):
        breaking.keep_parts()
    if name := os.environ.get("FAULTS_MUTATION"):
        MUTATIONS[name]().__enter__()
    for variable, number in (("FAULTS_CRASH", signal.SIGKILL), ("FAULTS_FREEZE", signal.SIGSTOP)):
        if points := os.environ.get(variable):
            striker = breaking.Striker(number, points, int(os.environ["FAULTS_SEED"]))
            breaking.strike_with(striker, os.environ["FOOTFALL_LOG"])
    main()


if __name__ == "__main__":
    run()
