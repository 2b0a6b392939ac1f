"""Where the collector stands beside the echo server and against the targets."""

from footfall.bench.collector import Result, Run
from footfall.bench.collector_report import report, table


def result(server: str, per_request: int, rate: float, p99: float = 50.0) -> Result:
    run = Run(rate, rate, 0.4, 1.0, p99, 2 * p99)
    return Result(server, per_request, rate, rate, 1.0, p99, [run])


def results(single: float = 8_000, hundred: float = 800, p99: float = 100.0) -> list[Result]:
    return [
        result("echo", 1, 16_000),
        result("collector", 1, single, p99),
        result("echo", 100, 4_000),
        result("collector", 100, hundred, p99),
    ]


def reached(found: list[Result]) -> list[bool]:
    return [target.reached for target in report("kafka://b:9092", found).targets]


def test_costs_are_times_the_echo_servers() -> None:
    found = report("kafka://b:9092", results())
    assert found.costs == {"1": 2.0, "100": 5.0}
    assert found.log == "kafka"


def test_targets_that_are_just_met_are_reached() -> None:
    assert reached(results()) == [True] * 4


def test_each_target_can_be_missed() -> None:
    assert reached(results(single=7_999)) == [False, True, True, True]
    assert reached(results(hundred=799)) == [True, True, False, True]
    assert reached(results(p99=101)) == [True, False, True, False]


def test_the_tables_show_every_server_and_target() -> None:
    servers, costs, targets = table(report("kafka://b:9092", results(single=10)))
    assert [row[0] for row in servers[1]] == ["echo", "collector"] * 2
    assert len(costs[1]) == 2
    assert [row[-1] for row in targets[1]] == ["NO", "yes", "yes", "yes"]
