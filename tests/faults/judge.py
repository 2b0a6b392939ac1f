"""Compares a stopped stack's warehouse with the oracle: `python -m tests.faults.judge DIRECTORY`.

The last line is a JSON list of differences.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.warehouse.embedded import EmbeddedWarehouse
from tests.faults.checks import differences, read, strangers
from tests.faults.oracle import recount


def judge(directory: Path, *, zombies: bool) -> list[str]:
    """Open the warehouse in `directory` and compare."""
    warehouse = EmbeddedWarehouse(directory / "warehouse")

    def query(sql: str) -> Sequence[Sequence[Any]]:
        return warehouse.query(sql).rows

    try:
        with (directory / "accepted.jsonl").open() as lines:
            truth, observed = recount(lines), read(query)
        return [*differences(truth, observed, zombies=zombies), *strangers(truth, observed)]
    finally:
        warehouse.close()


if __name__ == "__main__":
    print(json.dumps(judge(Path(sys.argv[1]), zombies="--zombies" in sys.argv)))
