"""`bench` alone measures the worker; `bench collector` is a measurement of its own."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from footfall.bench import collector, report
from footfall.cli import cli


class Called(Exception):
    """A measurement was asked for."""


def test_bench_alone_measures_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(*asked: object) -> None:
        raise Called(asked[:3])

    monkeypatch.setattr(report, "measure", measure)
    failed = CliRunner().invoke(cli, ["bench", "--rounds", "1", "--json"]).exception
    assert isinstance(failed, Called)
    assert failed.args == ((300_000, 20_000, 1),)


def test_bench_collector_prints_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(log: str, seconds: float, rounds: int, tell: Any) -> list[collector.Result]:
        assert (log, seconds, rounds) == ("kafka://b:9092", 0.5, 2)
        tell("on the way")
        run = collector.Run(8_000, 9_000, 0.5, 1, 2, 3)
        return [
            collector.Result(server, 1, 8_000, 9_000, 1, 2, [run])
            for server in ("echo", "collector")
        ]

    monkeypatch.setattr(collector, "measure", measure)
    asked = ["bench", "collector", "--log", "kafka://b:9092", "--seconds", "0.5", "--rounds", "2"]
    ended = CliRunner().invoke(cli, [*asked, "--json"])
    assert ended.stderr == "on the way\n"
    assert json.loads(ended.stdout)["costs"] == {"1": 1.0}
    assert "collector" in CliRunner().invoke(cli, asked).stdout
