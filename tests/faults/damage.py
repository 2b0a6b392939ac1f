"""Flipped bits and cut files in a stopped log: what comes out is right, or told; never silently less.

`python -m tests.faults.damage [CASES [SEED]]`: so many each in inbox.db and in work.db.
"""

import asyncio
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from collectors.errors import CollectorError
from collectors.producers.embedded import EmbeddedWriter
from pipeline.errors import Permanent
from schemas.logfile import INBOX, WORK
from schemas.rejects import Reason
from tests.faults.folder import PARTITIONS, RowsByTable, copied, live, stopped_stack
from tests.faults.tables import final

EVENTS: Final = 800
FILES: Final = (INBOX, WORK)
RIGHT: Final = "right"
TOLD: Final = "told"
SILENT: Final = "SILENT"


class Case(NamedTuple):
    """One damage: a file that is cut at `at`, or has bit `bit` of byte `at` flipped (−1: cut)."""

    seed: int
    file: str
    at: int
    bit: int

    def __str__(self) -> str:
        done = "cut" if self.bit < 0 else f"bit {self.bit} flipped"
        return f"seed {self.seed}: {self.file} {done} at {self.at}"


class Verdict(NamedTuple):
    """`how`: RIGHT, TOLD or SILENT. `text`: what was told, or what differs."""

    how: str
    text: str


class Ground:
    """A stopped stack, and what an undamaged one makes of it."""

    def __init__(self, folder: Path, seed: int, events: int = EVENTS) -> None:
        self.folder, self._origin = folder, folder / "stopped"
        self._origin.mkdir()
        self._rows = stopped_stack(self._origin, seed, events)
        self.right = final(self._lived(self._copy()))

    def _copy(self) -> Path:
        folder = self.folder / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self._origin, folder)
        return folder

    def _lived(self, folder: Path) -> RowsByTable:
        rows = copied(self._rows)
        asyncio.run(live(folder, rows))
        return rows

    def cases(self, name: str, count: int, seed: int) -> Iterator[Case]:
        """Every fifth is a cut; the WAL is hit as often as the file."""
        for number in range(count):
            rng = Random(f"{seed}/{name}/{number}")
            file = name + rng.choice(("", "-wal"))
            size = (self._origin / file).stat().st_size
            cut = number % 5 == 4
            yield Case(number, file, rng.randrange(size), -1 if cut else rng.randrange(8))

    def verdict(self, case: Case) -> Verdict:
        """What a collector and a worker make of it, started after the damage."""
        folder = self._copy()
        _damage(folder, case)
        try:
            if case.seed % 2:
                EmbeddedWriter(folder, PARTITIONS, lambda: 0).close()
            rows = self._lived(folder)
        except (Permanent, CollectorError) as error:
            return Verdict(TOLD, f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody would understand it
            return Verdict(SILENT, f"ended with {error!r}")
        return self._compared(rows)

    def _compared(self, rows: RowsByTable) -> Verdict:
        if told := [row for row in rows["rejects"] if row["reason"] == Reason.DAMAGED_RECORD]:
            return Verdict(TOLD, f"{len(told)} lines are rejects")
        got = final(rows)
        differing = {name: len(got[name] ^ rows) for name, rows in self.right.items()}
        wrong = {name: count for name, count in differing.items() if count}
        return Verdict(SILENT, f"rows differ: {wrong}") if wrong else Verdict(RIGHT, "")


def _damage(folder: Path, case: Case) -> None:
    path = folder / case.file
    with path.open("r+b") as file:
        if case.bit < 0:
            file.truncate(case.at)
            return
        file.seek(case.at)
        byte = file.read(1)[0]
        file.seek(case.at)
        file.write(bytes([byte ^ 1 << case.bit]))


def main() -> int:
    """Run the long form; prints each case that is not right, and a summary."""
    numbers = [int(text) for text in sys.argv[1:]]
    count, seed = (*numbers, *(120, 0)[len(numbers) :])
    verdicts: Counter[tuple[Any, ...]] = Counter()
    with tempfile.TemporaryDirectory(prefix="footfall-damage-") as folder:
        ground = Ground(Path(folder), seed)
        for name in FILES:
            for case in ground.cases(name, count, seed):
                verdict = ground.verdict(case)
                verdicts[name, verdict.how] += 1
                print(f"{verdict.how:6} {case}: {verdict.text}", flush=True)
    for (name, how), cases in sorted(verdicts.items()):
        print(f"{name:9} {how:6} {cases:4}")
    return 1 if any(how == SILENT for _, how in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
