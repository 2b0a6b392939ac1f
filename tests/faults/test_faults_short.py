"""The short fault runs: real processes, real kills. `make faults` has the long ones."""

from pathlib import Path

import pytest

from tests.faults.disk import cannot_mount
from tests.faults.harness import Plan, run
from tests.faults.stack import faketime
from tests.kafka.broker import missing_tools

WINDOWS = "read:0.02,rows:0.02,stored:0.02,outputs:0.02,committed:0.02,append:0.004,appended:0.004"
"""Chances of dying in the windows that matter, beside the kills from outside."""


def comes_out_right(directory: Path, plan: Plan) -> None:
    outcome = run(directory, plan)
    print(plan, outcome)
    assert outcome.wrong == []
    assert outcome.accepted >= plan.events


@pytest.mark.faults
def test_killed_processes_lose_and_double_nothing(tmp_path: Path) -> None:
    comes_out_right(tmp_path, Plan(seed=20, events=8_000, rounds=9, seconds=20, crash=WINDOWS))


@pytest.mark.faults
def test_collectors_with_wrong_clocks_change_nothing(tmp_path: Path) -> None:
    """Two days ahead, 7 h ahead, a day behind: five seconds each, in which they take the events."""
    if faketime() is None:
        pytest.skip("libfaketime is not installed (package faketime)")
    comes_out_right(tmp_path, Plan(22, 4_000, 3, 45, "clocks"))


@pytest.mark.faults
def test_a_disk_that_a_neighbour_fills_to_the_last_byte_loses_nothing(tmp_path: Path) -> None:
    if reason := cannot_mount():
        pytest.skip(reason)
    comes_out_right(tmp_path, Plan(22, 6_000, 5, 20, "disk", keep_parts=False))


@pytest.mark.faults
@pytest.mark.kafka
def test_workers_that_freeze_come_and_go_lose_and_double_nothing(tmp_path: Path) -> None:
    """A worker frozen between two steps for longer than a session; then workers 1 → 3 → 1."""
    if reason := missing_tools():
        pytest.skip(reason)
    plan = Plan(21, 3_000, 1, 30, "kafka-short", pause=9, partitions=3, keep_parts=False)
    comes_out_right(tmp_path, plan)
