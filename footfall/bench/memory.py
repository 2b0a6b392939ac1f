"""How much memory a worker needs over simulated hours, run as fast as it folds.

The worker is a process of its own, as `footfall worker` runs it: log, warehouse, rollups and all.
Records that it has folded in are deleted at once, or the log of a day would take 20 GB.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Final
from urllib.request import urlopen

import msgspec

from collectors.producers.embedded import EmbeddedWriter
from footfall.bench.compare import PARTITIONS, BenchError
from footfall.bench.day import START_MS, Day
from footfall.processes.stack import Stack
from pipeline.engine.transports.embedded_file import connect
from pipeline.memory import LOOK_SECONDS
from schemas import topics
from schemas.log_records import Append
from schemas.logfile import INBOX, OFFSET_BITS

AT_ONCE_SECONDS: Final = 4
"""Simulated seconds appended in one transaction."""
AHEAD_EVENTS: Final = 10_000
"""Events the log may be ahead of the worker: its batches are as in a moderate delay."""
_PATIENCE_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.03
_SAMPLE: Final = re.compile(r"(\w+)(?:\{(.*)\})? ([\d.e+-]+)")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Sample(msgspec.Struct):
    """The worker at a simulated hour. Memory in MB (10⁶ bytes); `state` by stage and table, too.

    `remembered` are the hours for which visits' devices are remembered: its shortest partition's.
    `told` are the alarms that stand about memory; `stored` the events that the warehouse has.
    """

    hour: float
    events: int
    events_per_second: float
    resident: float
    peak: float
    state: dict[str, float]
    limit: float
    remembered: float
    told: int
    stored: int


Measured = Callable[[Sample], None]


def measure(
    hours: float,
    rate: int,
    devices: int,
    limit: str | None,
    interval: float,
    folder: str | None,
    tell: Measured,
) -> list[Sample]:
    """A sample at every `interval` simulated hours, told as it comes. Raises BenchError.

    `limit` is the setting `state_limit` (None: its default); files are below `folder`.
    """
    samples: list[Sample] = []
    overrides = {} if limit is None else {"state_limit": limit}
    with (
        TemporaryDirectory(prefix="footfall-bench-", dir=folder) as folder_name,
        Stack(Path(folder_name), usual_ports=False, **overrides) as stack,
        closing(EmbeddedWriter(Path(folder_name), PARTITIONS, lambda: START_MS)) as writer,
    ):
        stack.start("worker")
        stack.wait_ready("worker")
        run = _Run(stack, writer, Path(folder_name))
        for sample in run.samples(Day(rate, devices, PARTITIONS), rate, hours, interval):
            samples.append(sample)
            tell(sample)
    return samples


class _Run:
    """A worker that is fed."""

    def __init__(self, stack: Stack, writer: EmbeddedWriter, folder: Path) -> None:
        self._stack, self._writer = stack, writer
        self._inbox = connect(folder / INBOX, write=True)
        self._ends = [0] * PARTITIONS
        self._sums: list[list[tuple[int, int]]] = [[] for _ in range(PARTITIONS)]

    def samples(self, day: Day, rate: int, hours: float, interval: float) -> Iterator[Sample]:
        """Feed second after second, never too far ahead."""
        started_at, due, seconds = monotonic(), interval, 0
        while seconds < hours * 3600:
            records = [r for n in range(AT_ONCE_SECONDS) for r in day.second(seconds + n)]
            self._append(records)
            seconds += AT_ONCE_SECONDS
            while self._wait(AHEAD_EVENTS):
                sleep(_POLL_SECONDS)
            if seconds >= due * 3600 or seconds >= hours * 3600:
                while self._wait(0):
                    sleep(_POLL_SECONDS)
                sleep(LOOK_SECONDS + 1)  # then the gauges are of now
                yield self._sample(seconds, seconds * rate, monotonic() - started_at)
                due += interval

    def _append(self, records: list[Append]) -> None:
        self._writer.write(records)
        for record in records:
            self._ends[record.partition] += 1
            self._sums[record.partition].append((self._ends[record.partition], record.events))

    def _wait(self, ahead: int) -> bool:
        """Whether more than `ahead` events are not folded in; deletes those that are."""
        if sum(events for sums in self._sums for _, events in sums) <= ahead and ahead:
            return False
        for partition, applied in self._applied().items():
            base = self._base(partition)
            self._inbox.execute(
                "DELETE FROM records WHERE id >= ? AND id <= ?", (base, base + applied)
            )
            sums = self._sums[partition]
            sums[:] = [(end, events) for end, events in sums if end - 1 > applied]
        self._stack.check()
        return sum(events for sums in self._sums for _, events in sums) > ahead

    def _base(self, partition: int) -> int:
        """The id of the first record of the events' `partition`."""
        (number,) = self._inbox.execute(
            "SELECT number FROM partitions WHERE topic = ? AND partition = ?",
            (topics.EVENTS.name, partition),
        ).fetchone()
        return int(number) << OFFSET_BITS

    def _applied(self) -> dict[int, int]:
        return {
            int(labels["partition"]): int(value)
            for name, labels, value in self._metrics()
            if name == "footfall_stage_applied_offset" and labels["stage"] == "visits"
        }

    def _metrics(self) -> list[tuple[str, dict[str, str], float]]:
        deadline = monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with urlopen(f"{self._stack.worker.url}/metrics", timeout=30) as answer:  # noqa: S310
                    text = answer.read().decode()
                break
            except OSError as error:
                if monotonic() > deadline:
                    raise BenchError(f"The worker does not answer: {error}.") from error
                sleep(_POLL_SECONDS)
        matches = (_SAMPLE.fullmatch(line) for line in text.splitlines())
        return [(m[1], dict(_LABEL.findall(m[2] or "")), float(m[3])) for m in matches if m]

    def _sample(self, seconds: int, events: int, took: float) -> Sample:
        state: dict[str, float] = {}
        remembered, limit, alarms = 0.0, 0.0, 0
        for name, labels, value in self._metrics():
            if name == "footfall_state_bytes":
                table_name = f"{labels['stage']}.{labels['table']}"
                state[table_name] = state.get(table_name, 0.0) + value / 1e6
            elif name == "footfall_state_limit_bytes":
                limit += value / 1e6
            elif name == "footfall_remembered_seconds":
                remembered = min(remembered or value / 3600, value / 3600)
            elif name == "footfall_alarms" and labels["part"] == "memory":
                alarms = int(value)
        (stored,) = self._stack.worker.query("SELECT count() AS events FROM events", {})
        status = Path(f"/proc/{self._stack.pid('worker')}/status").read_text()
        memory = {key: int(kb) * 1024 / 1e6 for key, kb in re.findall(r"(\w+):\s+(\d+) kB", status)}
        return Sample(
            seconds / 3600,
            events,
            events / took,
            memory["VmRSS"],
            memory["VmHWM"],
            state,
            limit,
            remembered,
            alarms,
            int(stored["events"]),
        )


def row(sample: Sample) -> tuple[str, ...]:
    """A sample as a table's row."""
    largest = sorted(sample.state.items(), key=lambda item: -item[1])[:3]
    return (
        f"{sample.hour:.2f}",
        f"{sample.events:,}",
        f"{sample.events_per_second:,.0f}",
        f"{sample.resident:,.0f}",
        f"{sample.peak:,.0f}",
        f"{sum(sample.state.values()):,.0f}",
        f"{sample.limit:,.0f}",
        f"{sample.remembered:.1f}",
        "yes" if sample.told else "no",
        ", ".join(f"{name} {size:,.0f}" for name, size in largest),
    )


COLUMNS: Final = (
    "hour",
    "events",
    "events/s",
    "resident MB",
    "peak MB",
    "state MB",
    "limit MB",
    "remembered h",
    "told",
    "largest tables, MB",
)
