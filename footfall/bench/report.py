"""All measurements of `footfall bench` in one report, and where they stand against the targets."""

from typing import Any

import msgspec

from footfall.bench import compare, stack
from footfall.bench.compare import FLOOR, PLAIN, WORKER_200, Progress, Result


class Target(msgspec.Struct):
    """What was to be reached. `at_most`: smaller is better."""

    name: str
    target: float
    measured: float
    at_most: bool

    @property
    def reached(self) -> bool:
        """Whether it was."""
        return self.measured <= self.target if self.at_most else self.measured >= self.target

    def row(self) -> tuple[str, str, str, str]:
        """Name, target, what was measured, whether it was reached."""
        bound = f"{'≤' if self.at_most else '≥'} {self.target:,.0f}"
        return self.name, bound, f"{self.measured:,.2f}", "yes" if self.reached else "NO"


class Report(msgspec.Struct):
    """Everything measured in one run. Memory in MB (10⁶ bytes), times in seconds."""

    results: list[Result]
    latency: stack.Latency
    idle_mb: dict[str, float]
    restart: stack.Restart
    targets: list[Target]


def measure(
    events: int, plain_events: int, rounds: int, seconds: float, devices: int, tell: Progress
) -> Report:
    """Run it all. Raises BenchError."""
    results = compare.compare(events, plain_events, rounds, tell)
    tell(f"latency: {seconds:.0f} s of {stack.RATE:,} events/s")
    latency, idle = stack.latency(seconds)
    tell(f"restart with {devices:,} devices in state")
    restart = stack.restart(devices)
    return Report(results, latency, idle, restart, targets(results, latency, idle, restart))


def targets(
    results: list[Result], latency: stack.Latency, idle: dict[str, float], restart: stack.Restart
) -> list[Target]:
    """The issue's targets, for the worker at 200 events per record."""
    by_name = {result.name: result for result in results}
    floor, plain, worker = (by_name[kind.name] for kind in (FLOOR, PLAIN, WORKER_200))
    cpu = worker.cpu_seconds_per_million
    return [
        Target(
            "events/s, times the plain agent",
            20,
            worker.events_per_second / plain.events_per_second,
            at_most=False,
        ),
        Target("CPU, times the floor", 3, cpu / floor.cpu_seconds_per_million, at_most=True),
        Target("events/s per core", 50_000, 1e6 / cpu, at_most=False),
        Target("accepted to readable, p99, s", 2, latency.p99, at_most=True),
        Target("idle collector and worker, MB", 600, sum(idle.values()), at_most=True),
        Target("ready after kill -9, s", 5, restart.loaded, at_most=True),
    ]


def table(report: Report) -> list[tuple[tuple[str, ...], list[tuple[Any, ...]]]]:
    """The report as tables: column names and rows."""
    throughput = [
        (result.name, f"{result.events_per_second:,.0f}", f"{result.cpu_seconds_per_million:.1f}")
        for result in report.results
    ]
    remaining: list[tuple[Any, ...]] = [
        ("accepted to readable, p50", f"{report.latency.p50:.2f} s"),
        ("accepted to readable, p99", f"{report.latency.p99:.2f} s"),
        *((f"idle memory, {name}", f"{size:.0f} MB") for name, size in report.idle_mb.items()),
        ("restart: state loaded", f"{report.restart.loaded:.1f} s"),
        ("restart: folding again", f"{report.restart.folding:.1f} s"),
    ]
    goals = [target.row() for target in report.targets]
    return [
        (("measured", "events/s", "CPU-s per million events"), throughput),
        (("measured", "value"), remaining),
        (("target", "", "measured", "reached"), goals),
    ]
