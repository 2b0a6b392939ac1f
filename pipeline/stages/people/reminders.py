"""Repurchase triggers in plain words."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pipeline.stages.people import population
from pipeline.stages.people.context import Turn
from pipeline.stages.people.cycles import chance_at_due
from pipeline.stages.people.interval_model import forecast
from pipeline.stages.people.policy import DAY
from pipeline.stages.people.state import Cycle
from pipeline.stages.people.trigger_emitter import date, opted_out, send
from schemas.triggers import Rule

_RULES: Final[dict[str, Rule]] = {
    "due": "repurchase.due",
    "late": "repurchase.late",
    "lapsed": "repurchase.lapsed",
}
_OPENING: Final = {
    "due": "Is expected to buy again: {}.",
    "late": "Was expected to buy again and has not: {}.",
    "lapsed": "Has probably stopped buying: {}.",
}
_SPOKEN: Final = 3
"""Products that the sentence names."""
_LISTED: Final = 20
"""Products that the evidence lists; `products_in_all` counts the rest too."""


class Ended(NamedTuple):
    """A reminder whose cycle is over. `again`: when it was bought again, 0 if it was not."""

    person: str
    last: int
    told: str
    told_id: str
    again: int


def tell(turn: Turn, site: str, person: str, step: str, cycles: Mapping[str, Cycle]) -> str:
    """One trigger for all `cycles` (product → cycle) of a person that are in state `step`."""
    spoken = [_words(turn, site, product, cycles[product]) for product in list(cycles)[:_SPOKEN]]
    if len(cycles) > _SPOKEN:
        spoken.append(f"and {len(cycles) - _SPOKEN} more")
    listed = [_numbers(turn, site, product, cycles[product]) for product in list(cycles)[:_LISTED]]
    identity = "\n".join(f"{product}@{cycle.last}" for product, cycle in cycles.items())
    told = (
        _OPENING[step].format("; ".join(spoken)),
        {"products": listed, "products_in_all": len(cycles)},
    )
    return send(turn, _RULES[step], site, person, identity, told)


def withdraw(turn: Turn, site: str, product: str, ended: Ended) -> None:
    """Take back a reminder that no longer holds; what had lapsed needs none."""
    if ended.told not in ("due", "late") or opted_out(turn, site, ended.person):
        return
    name = population.name_of(turn.state, site, product)
    if ended.again:
        reason = f"Bought {name} again on {date(ended.again)}, so the reminder is off."
    else:
        reason = f"The purchase of {name} on {date(ended.last)} no longer counts for this person."
    evidence = {
        "product_id": product,
        "name": name,
        "last_purchase": ended.last,
        "bought_again": ended.again or None,
        "withdraws": ended.told_id,
    }
    cycle = f"{product}@{ended.last}"
    send(turn, "repurchase.withdrawn", site, ended.person, cycle, (reason, evidence))


def _words(turn: Turn, site: str, product: str, cycle: Cycle) -> str:
    name = population.name_of(turn.state, site, product)
    around = f"{name} around {date(cycle.due)}"
    since = round((turn.state.now - cycle.last) / DAY)
    if cycle.intervals:
        usual = f"bought {cycle.purchases} times, about every {cycle.days / 10:g} days"
    else:
        bought = "once" if cycle.purchases == 1 else f"{cycle.purchases} times at once"
        usual = f"bought {bought}, others buy it again after about {cycle.days / 10:g} days"
    return f"{around} ({usual}, last {since} {'day' if since == 1 else 'days'} ago)"


def _numbers(turn: Turn, site: str, product: str, cycle: Cycle) -> dict[str, Any]:
    norm = population.norm(turn.state, site, product)
    assert norm is not None, "a cycle is only told of with a forecast"
    found = forecast(norm, cycle.intervals, cycle.total)
    return {
        "product_id": product,
        "name": population.name_of(turn.state, site, product),
        "purchases": cycle.purchases,
        "last_purchase": cycle.last,
        "interval_days": cycle.days / 10,
        "due_at": cycle.due,
        "late_at": cycle.late,
        "lapsed_at": cycle.lapsed,
        "probability_of_return": round(found.returns, 3),
        "probability_within_window": round(chance_at_due(found, turn.policy), 3),
        "weight_of_own_intervals": round(found.weight, 3),
    }
