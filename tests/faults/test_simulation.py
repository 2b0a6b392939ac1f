"""The protocol under simulated death: whatever happens on the way, the end is the same."""

import pytest

from tests.faults.simulation import Plan, World, judge
from tests.faults.toy_records import toy_records
from tests.faults.toys import Adding, Counting

SEEDS = range(12)


def survives(plan: Plan) -> World:
    world = World((Counting(), Adding()), toy_records(plan.seed), plan)
    world.run()
    assert judge(world) == [], plan
    return world


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("atomic", [True, False])
def test_deaths_at_every_step_change_nothing(seed: int, atomic: bool) -> None:
    survives(Plan(seed, atomic))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("atomic", [True, False])
def test_a_paused_and_continued_worker_changes_nothing(seed: int, atomic: bool) -> None:
    survives(Plan(seed, atomic, zombies=True))


def test_the_simulation_does_kill() -> None:
    assert survives(Plan(1)).lives > 3


def test_records_that_cannot_be_folded_are_set_aside() -> None:
    assert survives(Plan(0)).aside()


def test_nothing_happens_in_a_calm_world() -> None:
    assert survives(Plan(1, kill=0.0, fail=0.0)).lives == 1
