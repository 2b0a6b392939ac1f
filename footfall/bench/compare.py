"""Floor, plain Faust agent and worker side by side: each in a process of its own, in turn.

A shared machine's CPU time varies by half from minute to minute, so the measurements alternate and
ratios are those of medians.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import msgspec

from collectors.producers.embedded import EmbeddedWriter
from footfall.bench import load
from footfall.processes.children import end_with_parent
from footfall.processes.scratch import scratch
from footfall.processes.signals import interruptible
from pipeline.errors import Permanent
from schemas import topics
from schemas.log_records import Append
from schemas.logfile import INBOX

PARTITIONS: Final = 2
SEED: Final = 1
_RECORDS_AT_ONCE: Final = 200
_SECONDS: Final = 600


PREFIX: Final = "footfall-bench-"
"""Of folders for measurements."""


class BenchError(Permanent):
    """A measurement did not come to its end."""


class Kind(NamedTuple):
    """One measurement: its name, what `footfall.bench.one` calls it, events per record."""

    name: str
    measure: str
    per_record: int


FLOOR: Final = Kind("floor", "floor", 200)
PLAIN: Final = Kind("plain Faust agent", "plain", 1)
WORKER_200: Final = Kind("worker, 200 events per record", "worker", 200)
WORKER_5: Final = Kind("worker, 5 events per record", "worker", 5)
KINDS: Final = (FLOOR, PLAIN, WORKER_200, WORKER_5)


class Measured(msgspec.Struct):
    """What one run of one kind took."""

    events: int
    seconds: float
    cpu_seconds: float


class Result(msgspec.Struct):
    """Medians over a kind's runs."""

    name: str
    events_per_second: float
    cpu_seconds_per_million: float
    runs: list[Measured]


Progress = Callable[[str], None]


def compare(events: int, plain_events: int, rounds: int, tell: Progress) -> list[Result]:
    """One Result per kind. Raises BenchError."""
    counts = {kind: plain_events if kind is PLAIN else events for kind in KINDS}
    runs: dict[Kind, list[Measured]] = {kind: [] for kind in KINDS}
    with scratch(PREFIX) as folder, interruptible():
        for kind in KINDS:
            log = _log(folder, kind)
            if not log.exists():
                tell(f"filling a log: {counts[kind]:,} events, {kind.per_record} per record")
                fill(log, counts[kind], kind.per_record)
        for number in range(1, rounds + 1):
            for kind in KINDS:
                tell(f"round {number} of {rounds}: {kind.name}")
                runs[kind].append(_run(folder, kind, counts[kind]))
    return [_result(kind, runs[kind]) for kind in KINDS]


def fill(directory: Path, events: int, per_record: int) -> None:
    """Make a log with `events` events in records of `per_record`."""
    writer = EmbeddedWriter(directory, PARTITIONS, lambda: load.START_MS)
    try:
        for group in _groups(load.records(events, per_record, PARTITIONS, SEED)):
            writer.write(group)
    finally:
        writer.close()


def _groups(records: Iterator[tuple[int, int, bytes]]) -> Iterator[list[Append]]:
    group: list[Append] = []
    for partition, events, value in records:
        group.append(Append(topics.EVENTS.name, partition, events, value))
        if len(group) == _RECORDS_AT_ONCE:
            yield group
            group = []
    if group:
        yield group


def _log(folder: Path, kind: Kind) -> Path:
    return folder / f"log-{kind.per_record}"


def _run(folder: Path, kind: Kind, events: int) -> Measured:
    with TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as data:
        shutil.copy(_log(folder, kind) / INBOX, data)
        settings = {
            "FOOTFALL_LOG": f"embedded://{data}",
            "FOOTFALL_WAREHOUSE": f"chdb://{data}/warehouse",
        }
        finished = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "footfall.bench.one", kind.measure, str(events)],
            env=os.environ | settings,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            preexec_fn=end_with_parent(),
        )
    if finished.returncode:
        words = finished.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise BenchError(f"{kind.name} failed. Its last words: {' / '.join(words)}")
    return msgspec.json.decode(finished.stdout.splitlines()[-1], type=Measured)


def _result(kind: Kind, runs: list[Measured]) -> Result:
    return Result(
        kind.name,
        median(run.events / run.seconds for run in runs),
        median(run.cpu_seconds / run.events * 1e6 for run in runs),
        runs,
    )
