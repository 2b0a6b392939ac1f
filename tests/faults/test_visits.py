"""The collector's admission, `visits` and `people` against the oracle, without processes."""

import pytest

from pipeline.stages.people.stage import People
from tests.faults import feeding, traffic
from tests.faults.checks import differences, observed_in, strangers
from tests.faults.oracle import recount
from tests.faults.simulation import Plan, World, calm, judge
from tests.faults.worlds import visits


@pytest.mark.parametrize("seed", range(4))
def test_what_is_found_equals_the_oracle(seed: int) -> None:
    sent = traffic.sendings(seed, 2_000)
    truth = recount(feeding.accepted(sent))
    observed = observed_in(calm([visits(), People()], feeding.records(sent)).rows)
    assert differences(truth, observed) == []
    assert strangers(truth, observed) == []


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_arrival_changes_nothing(seed: int) -> None:
    sent = traffic.sendings(1, 1_000)
    truth = recount(feeding.accepted(sent))
    shuffled = feeding.records(traffic.shuffled(sent, seed), 1)
    observed = observed_in(calm([visits(), People()], shuffled).rows)
    assert differences(truth, observed) == []
    assert strangers(truth, observed) == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("zombies", [False, True])
def test_deaths_at_every_step_change_nothing(seed: int, zombies: bool) -> None:
    sent = traffic.sendings(seed, 600)
    plan = Plan(seed, atomic=False, zombies=zombies)
    world = World([visits()], feeding.records(sent), plan)
    world.run()
    assert judge(world) == [], plan
    truth = recount(feeding.accepted(sent))
    assert differences(truth, observed_in(world.rows), zombies=zombies) == [], plan


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("zombies", [False, True])
def test_deaths_change_nobodys_identity(seed: int, zombies: bool) -> None:
    sent = traffic.sendings(seed, 600)
    plan = Plan(seed, atomic=False, zombies=zombies)
    world = World([visits(), People()], feeding.records(sent), plan)
    world.run()
    observed = observed_in(world.rows)
    assert strangers(recount(feeding.accepted(sent)), observed) == [], plan
