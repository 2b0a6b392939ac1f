"""A rebuild that is killed wherever it is, and run again, ends as one that was left alone."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from pipeline.recovery.rebuild import NOTE
from tests.faults.processes import Managed, until
from tests.faults.rebuilding import fold, records, settings_of, tables, write

SEED = 11
KILLS = 4


@pytest.mark.faults
def test_a_rebuild_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    write(tmp_path, records(SEED, 1_000))
    fold(tmp_path)
    right = tables(tmp_path)
    rng = Random(SEED)
    rebuild = Managed(
        "rebuild", [*_COMMAND, "--yes"], settings_of(tmp_path).environment(), tmp_path / "output"
    )
    cut_short = 0
    for _ in range(KILLS):
        rebuild.start()
        with suppress(AssertionError):
            until("it has ended", lambda: not rebuild.alive, rng.uniform(1.5, 6))
        rebuild.kill()
        cut_short += (tmp_path / "log" / NOTE).exists()
    assert cut_short > 0
    done = subprocess.run(
        [*_COMMAND, "--yes", "--json"],
        env=settings_of(tmp_path).environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert tables(tmp_path) == right, f"seed {SEED}"


_COMMAND = [sys.executable, "-m", "footfall.cli", "rebuild"]
