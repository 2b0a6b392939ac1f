"""Simulated worlds in which the product must come out right: what mutants are let loose on."""

from collections.abc import Callable, Mapping
from typing import Final

from pipeline.stages.people.stage import People
from pipeline.stages.visits.funnel import parse
from pipeline.stages.visits.stage import Visits
from tests.faults import feeding, traffic
from tests.faults.checks import differences, observed_in, strangers
from tests.faults.mutations import Mutation
from tests.faults.oracle import HORIZON, recount
from tests.faults.simulation import Plan, World, judge
from tests.faults.toy_records import toy_records
from tests.faults.toys import Adding, Counting

LATENESS: Final = 7 * 86_400_000

Verdict = Callable[[int, Mutation], list[str]]
"""Of a seed and a mutation: nothing, or what is wrong."""


def visits() -> Visits:
    """As the worker makes it, but for a lateness that shuffled traffic needs."""
    return Visits(HORIZON, LATENESS, parse(""))


def toy_world(plan: Plan, mutation: Mutation) -> list[str]:
    """Two small stages, one feeding the other."""
    world = World((Counting(), Adding()), toy_records(plan.seed), plan)
    with mutation():
        world.run()
    return judge(world)


def shop_world(plan: Plan, events: int, mutation: Mutation) -> list[str]:
    """`visits` and `people` on traffic, against the oracle."""
    sent = traffic.sendings(plan.seed, events)
    world = World([visits(), People()], feeding.records(sent), plan)
    with mutation():
        world.run()
    truth, observed = recount(feeding.accepted(sent)), observed_in(world.rows)
    return [*differences(truth, observed, zombies=plan.zombies), *strangers(truth, observed)]


WORLDS: Final[Mapping[str, Verdict]] = {
    "toys, one transaction": lambda seed, mutation: toy_world(Plan(seed), mutation),
    "toys, as on Kafka": lambda seed, mutation: toy_world(Plan(seed, atomic=False), mutation),
    "toys, a paused worker": lambda seed, mutation: toy_world(
        Plan(seed, atomic=False, zombies=True), mutation
    ),
    "visits and people": lambda seed, mutation: shop_world(Plan(seed, atomic=False), 300, mutation),
}
