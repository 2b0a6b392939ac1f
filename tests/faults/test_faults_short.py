"""The short fault run: real processes, real kills, the embedded log. `make faults` is the long one."""

from pathlib import Path

import pytest

from tests.faults.harness import Plan, run

WINDOWS = "read:0.02,rows:0.02,stored:0.02,outputs:0.02,committed:0.02,append:0.004,appended:0.004"
"""Chances of dying in the windows that matter, beside the kills from outside."""


@pytest.mark.faults
def test_killed_processes_lose_and_double_nothing(tmp_path: Path) -> None:
    plan = Plan(seed=20, events=10_000, kills=10, seconds=40, crash=WINDOWS)
    outcome = run(tmp_path, plan)
    print(plan, outcome)
    assert outcome.wrong == []
    assert outcome.accepted >= plan.events
