"""A measurement of the collector from end to end, as short as can be."""

import os
from pathlib import Path

import pytest

from footfall.bench import collector, logged
from footfall.bench.collector import Load, measure
from footfall.bench.collector_report import report, table
from footfall.bench.compare import BenchError
from footfall.bench.cores import Server

LOAD = Load(20, 4)


@pytest.fixture(autouse=True)
def no_warming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "WARM_SECONDS", 0.01)


def test_collector_and_echo_server_are_measured_and_leave_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    results = measure(f"embedded://{tmp_path}", 0.2, 1, told.append, [LOAD])
    assert [(one.server, one.per_request, len(one.runs)) for one in results] == [
        ("echo", 20, 1),
        ("collector", 20, 1),
    ]
    assert all(one.requests_per_cpu_second > 0 and one.p50_ms <= one.p99_ms for one in results)
    assert told == [
        "round 1 of 1: echo, 20 events a request",
        "round 1 of 1: collector, 20 events a request",
    ]
    assert list(tmp_path.iterdir()) == []
    found = report("embedded://x", results)
    assert found.costs["20"] > 1
    assert [len(rows) for _, rows in table(found)] == [2, 1, 0]


def test_a_log_that_lacks_an_event_fails_the_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = logged.check

    async def one_more(settings: object, starts: list[int], run: str, events: int) -> None:
        await check(settings, starts, run, events + 1)  # type: ignore[arg-type]

    monkeypatch.setattr(logged, "check", one_more)
    monkeypatch.setattr(collector, "SERVERS", ("collector",))
    with pytest.raises(BenchError, match=r"1 of \d+ acknowledged"):
        measure(f"embedded://{tmp_path}", 0.05, 1, lambda text: None, [LOAD])


def test_logs_are_made_in_a_directory_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no directory"):
        measure(f"embedded://{tmp_path}/none", 0.05, 1, lambda text: None, [LOAD])


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    server = Server(("footfall.cli", "collect", "--port", "none"), os.environ, tmp_path)
    with pytest.raises(BenchError, match="--port is 'none'"), server:
        raise AssertionError
