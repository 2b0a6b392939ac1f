"""`visits` and the collector's admission against the oracle, without processes."""

import pytest

from pipeline.visits.funnel import parse
from pipeline.visits.stage import Visits
from tests.faults import feeding, traffic
from tests.faults.checks import differences, found_in
from tests.faults.oracle import HORIZON, recount
from tests.faults.simulation import Plan, World, calm, judge

LATENESS = 7 * 86_400_000


def visits() -> Visits:
    return Visits(HORIZON, LATENESS, parse(""))


@pytest.mark.parametrize("seed", range(5))
def test_visits_equals_the_oracle(seed: int) -> None:
    sent = traffic.sendings(seed, 2_000)
    world = calm([visits()], feeding.records(sent))
    assert differences(recount(feeding.accepted(sent)), found_in(world.rows)) == []


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_arrival_changes_nothing(seed: int) -> None:
    sent = traffic.sendings(1, 1_000)
    world = calm([visits()], feeding.records(traffic.shuffled(sent, seed), 1))
    assert differences(recount(feeding.accepted(sent)), found_in(world.rows)) == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("zombies", [False, True])
def test_deaths_at_every_step_change_nothing(seed: int, zombies: bool) -> None:
    sent = traffic.sendings(seed, 600)
    plan = Plan(seed, atomic=False, zombies=zombies)
    world = World([visits()], feeding.records(sent), plan)
    world.run()
    assert judge(world) == [], plan
    truth = recount(feeding.accepted(sent))
    assert differences(truth, found_in(world.rows), zombies=zombies) == [], plan
