"""The protocol under simulated death: whatever happens on the way, the end is the same."""

from collections.abc import Iterator
from random import Random

import pytest

from pipeline.transports.contract import Append
from schemas import topics
from schemas.partitioner import partition_of
from tests.faults.simulation import Plan, World, judge
from tests.faults.toys import Adding, Counting

SEEDS = range(25)


def records(seed: int, count: int = 60) -> Iterator[Append]:
    """Records of a few events each; some events come twice."""
    rng = Random(seed)
    for number in range(count):
        key = f"k{rng.randrange(9)}"
        place = partition_of(key, 2)
        ids = [max(0, 3 * number + line - rng.choice((0, 0, 0, 20))) for line in range(3)]
        lines = [f'{{"id":"{place}-{id}","key":"{key}"}}' for id in ids]
        yield Append(topics.EVENTS.name, place, len(lines), "\n".join(lines).encode())


def survives(plan: Plan) -> World:
    world = World((Counting(), Adding()), records(plan.seed), plan)
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
    assert survives(Plan(1)).lives > 5


def test_nothing_happens_in_a_calm_world() -> None:
    assert survives(Plan(1, kill=0.0, fail=0.0)).lives == 1
