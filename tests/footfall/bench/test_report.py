"""Where measurements stand against the targets."""

from footfall.bench.compare import KINDS, Result
from footfall.bench.report import Report, table, targets
from footfall.bench.stack import Latency, Restart

RATES = (100_000.0, 2_000.0, 50_000.0, 30_000.0)
CPU = (10.0, 400.0, 20.0, 40.0)
RESULTS = [
    Result(kind.name, rate, cpu, []) for kind, rate, cpu in zip(KINDS, RATES, CPU, strict=True)
]


def report(p99: float = 0.5, worker_mb: float = 400.0, loaded: float = 3.0) -> Report:
    latency, idle = Latency(1_000, 0.1, p99, 0.6), {"collect": 100.0, "worker": worker_mb}
    restart = Restart(1_000_000, loaded, 5.0)
    return Report(RESULTS, latency, idle, restart, targets(RESULTS, latency, idle, restart))


def reached(of: Report) -> list[bool]:
    return [target.reached for target in of.targets]


def test_the_worker_at_200_events_per_record_is_compared() -> None:
    assert [target.measured for target in report().targets] == [25, 2, 50_000, 0.5, 500, 3]


def test_targets_that_are_just_met_are_reached() -> None:
    assert all(reached(report(p99=2.0, worker_mb=500.0, loaded=5.0)))


def test_each_target_can_be_missed() -> None:
    assert reached(report(p99=2.1))[3] is False
    assert reached(report(worker_mb=501.0))[4] is False
    assert reached(report(loaded=5.1))[5] is False


def test_the_tables_name_what_was_missed() -> None:
    goals = table(report(loaded=9.0))[-1][1]
    assert [row[-1] for row in goals] == ["yes"] * 5 + ["NO"]
