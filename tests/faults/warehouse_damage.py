"""Flipped bits, cut and deleted files in a stopped stack's warehouse: what comes out is right, or told.

`python -m tests.faults.warehouse_damage [CASES [SEED]]`. Each case is a start of what a worker starts:
log, warehouse, keeper, the partition tasks' own check; then every check of its maintenance, at once, and
the books.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from footfall.processes.worker_client import WorkerClient
from pipeline.errors import Permanent
from pipeline.settings import Settings
from pipeline.worker import Worker
from schemas.rows import BY_NAME
from tests.faults.ground import free_port
from tests.faults.harness import Plan
from tests.faults.processes import until
from tests.faults.stack import EmbeddedStack

EVENTS: Final = 1_500
SECONDS: Final = 90
"""A start that takes longer waits for ever."""
RIGHT: Final = "right"
TOLD: Final = "told"
SILENT: Final = "SILENT"
_CLEAN: Final = get_context("forkserver")
"""A fork of this process would inherit an engine that others have used, without its threads."""
_CLEAN.set_forkserver_preload([__name__])
_DIGEST: Final = "SELECT count(), sum(cityHash64(*)) FROM `{}` FINAL"


class Case(NamedTuple):
    """`what` is done to `file` (a path below the warehouse) at byte `at`."""

    number: int
    what: str
    file: str
    at: int

    def __str__(self) -> str:
        return f"{self.number}: {self.what} {self.file} at {self.at}"


class Verdict(NamedTuple):
    """`how`: RIGHT, TOLD or SILENT. `text`: what was told, or what differs."""

    how: str
    text: str


class Ground:
    """A stopped stack, and what an undamaged copy of it holds."""

    def __init__(self, folder: Path, seed: int, events: int = EVENTS) -> None:
        self.folder, self.origin = folder, folder / "stopped"
        self.origin.mkdir()
        self.books = _run_stack(self.origin, Plan(seed, events, 1, 4, keep_parts=False))
        self.right = probed(self._copy())
        assert self.right.get("tables"), self.right
        assert not self.right["alarms"], self.right

    def _copy(self) -> Path:
        folder = self.folder / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.origin, folder, symlinks=True)
        return folder

    def cases(self, count: int, seed: int) -> Iterator[Case]:
        """Half are flips, a third cuts, the rest deletions: of a file, or of a folder with all it holds."""
        warehouse = self.origin / "warehouse"
        paths = sorted(path for path in warehouse.rglob("*") if not path.is_symlink())
        files = [path for path in paths if path.is_file() and path.stat().st_size]
        folders = [path for path in paths if path.is_dir() and any(path.iterdir())]
        for number in range(count):
            rng = Random(f"{seed}/{number}")
            what = rng.choice(("flip", "flip", "flip", "cut", "cut", "delete"))
            path = rng.choice(folders if what == "delete" and rng.random() < 0.5 else files)
            size = path.stat().st_size if path.is_file() else 1
            yield Case(number, what, str(path.relative_to(warehouse)), rng.randrange(size))

    def verdict(self, case: Case) -> Verdict:
        """What a worker makes of it."""
        folder = self._copy()
        _damage(folder / "warehouse" / case.file, case)
        probe = probed(folder)
        if refusal := probe.get("told"):
            return Verdict(TOLD, refusal)
        if "tables" not in probe:
            return Verdict(SILENT, probe["ended"])
        if probe["alarms"]:
            return Verdict(TOLD, "; ".join(probe["alarms"][:2]))
        wrong = [
            name for name, rows in self.right["tables"].items() if probe["tables"][name] != rows
        ]
        return Verdict(SILENT, f"{wrong} differ") if wrong else Verdict(RIGHT, "")


def _run_stack(folder: Path, plan: Plan) -> list[dict[str, int]]:
    """The books, asked for again and again while events come as fast as they are taken."""
    stack = EmbeddedStack(folder, plan)
    books: list[dict[str, int]] = []

    def asked() -> bool:
        told = _books(stack.workers[0].env["FOOTFALL_WORKER_PORT"])
        books.extend(told)
        return stack.revive() and bool(told)

    def all_is_sent() -> bool:
        return asked() and stack.driver.finished.is_set()

    try:
        stack.start()
        until("the worker answers", asked, 120, 0.2)
        stack.permit(1.0)
        until("all is sent", all_is_sent, 300)
        stack.finish()
    finally:
        stack.end_all()
    return books


def _books(port: str) -> list[dict[str, int]]:
    """None while the worker starts."""
    try:
        return [json.loads(WorkerClient(f"http://127.0.0.1:{port}").ask("/api/status"))["books"]]
    except OSError:
        return []


def _damage(path: Path, case: Case) -> None:
    if case.what == "delete":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif case.what == "cut":
        os.truncate(path, case.at)
    else:
        body = bytearray(path.read_bytes())
        body[case.at] ^= 1 << case.number % 8
        path.write_bytes(body)


def probed(folder: Path) -> dict[str, Any]:
    """What a process of its own finds: `told`, or `alarms` and `tables`; else how it `ended`."""
    receiving, sending = _CLEAN.Pipe(duplex=False)
    child = _CLEAN.Process(target=_answer, args=(folder, sending))
    child.start()
    sending.close()
    try:
        if receiving.poll(SECONDS):
            return dict(receiving.recv())
    except EOFError:
        pass
    finally:
        child.kill()
        child.join()
    return {"ended": f"ended with status {child.exitcode}"}


def _answer(folder: Path, sending: Connection) -> None:
    _quietly(folder)
    sending.send(_probe(folder))
    sending.close()
    os._exit(0)


def _quietly(folder: Path) -> None:
    """What the engine says goes to a file."""
    output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _probe(folder: Path) -> dict[str, Any]:
    try:
        return asyncio.run(_started(folder))
    except Permanent as error:
        return {"told": str(error)}
    except Exception as error:  # noqa: BLE001  # nobody would understand it
        return {"ended": repr(error)}


async def _started(folder: Path) -> dict[str, Any]:
    """A worker's start, without Faust: the partition tasks load, and nothing new comes."""
    worker = Worker(
        Settings(
            {
                "log": f"embedded://{folder}",
                "warehouse": f"chdb://{folder}/warehouse",
                "disk_reserve": "0",
                "worker_port": str(free_port()),
                "lateness": str(20 * 86_400),
            },
            {},
        )
    )
    await worker.open()
    for runner in worker.runners.values():
        for partition in range(worker.journal.partitions):
            await runner.resume(partition)
            await runner.tasks[partition].check_accounting()
    worker.keeper.report_strange_columns()
    for part in worker.keeper.active():
        worker.keeper.check(part)
    tables = {}
    wrong = [f"{alarm.part}: {alarm.text}" for alarm in worker.alarms.active()]
    books = await worker.lag_monitor.accounting()
    if not books or books["difference"]:
        wrong.append(f"books: {books}")
    for name in BY_NAME if not wrong else ():
        tables[name] = [list(row) for row in worker.warehouse.query(_DIGEST.format(name)).rows]
    return {"alarms": wrong, "tables": tables}


def main() -> int:
    """Run the long form; prints each case, and a summary."""
    numbers = [int(text) for text in sys.argv[1:]]
    count, seed = (*numbers, *(120, 0)[len(numbers) :])
    verdicts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="footfall-damage-") as folder:
        ground = Ground(Path(folder), seed)
        for case in ground.cases(count, seed):
            verdict = ground.verdict(case)
            verdicts[verdict.how] += 1
            print(f"{verdict.how:6} {case}: {verdict.text[:200]}", flush=True)
    print(f"seed {seed}: {dict(verdicts)}")
    return 1 if verdicts[SILENT] else 0


if __name__ == "__main__":
    sys.exit(main())
