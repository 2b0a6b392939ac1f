"""Repurchase triggers: their sentences and evidence."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pipeline.stages.people import population
from pipeline.stages.people.context import RecordContext
from pipeline.stages.people.cycles import chance_at_due
from pipeline.stages.people.interval_model import forecast
from pipeline.stages.people.state import Cycle
from pipeline.stages.people.trigger_emitter import date, emit_for_person, opted_out
from schemas.time_units import DAY_MS
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
_NAMED_PRODUCTS: Final = 3
"""Products that the sentence names."""
_EVIDENCE_PRODUCTS: Final = 20
"""Products that the evidence lists; `products_in_all` counts the rest too."""


class EndedReminder(NamedTuple):
    """A reminder whose cycle is over. `bought_again_at`: ms; 0 where the product was not bought again."""

    person: str
    last_purchase: int
    emitted_state: str
    trigger_id: str
    bought_again_at: int


def emit_reminder(
    context: RecordContext, site: str, person: str, step: str, cycles: Mapping[str, Cycle]
) -> str:
    """One trigger for all `cycles` (product → cycle) of a person that are in state `step`."""
    clauses = [
        _sentence(context, site, product, cycles[product])
        for product in list(cycles)[:_NAMED_PRODUCTS]
    ]
    if len(cycles) > _NAMED_PRODUCTS:
        clauses.append(f"and {len(cycles) - _NAMED_PRODUCTS} more")
    products = [
        _evidence(context, site, product, cycles[product])
        for product in list(cycles)[:_EVIDENCE_PRODUCTS]
    ]
    identity = "\n".join(f"{product}@{cycle.last_purchase}" for product, cycle in cycles.items())
    message = (
        _OPENING[step].format("; ".join(clauses)),
        {"products": products, "products_in_all": len(cycles)},
    )
    return emit_for_person(context, _RULES[step], site, person, identity, message)


def withdraw(context: RecordContext, site: str, product: str, reminder: EndedReminder) -> None:
    """Emit that a due or late reminder no longer holds; a lapsed one needs no withdrawal."""
    if reminder.emitted_state not in ("due", "late") or opted_out(context, site, reminder.person):
        return
    name = population.name_of(context.state, site, product)
    if reminder.bought_again_at:
        reason = f"Bought {name} again on {date(reminder.bought_again_at)}, so the reminder is off."
    else:
        reason = f"The purchase of {name} on {date(reminder.last_purchase)} no longer counts for this person."
    evidence = {
        "product_id": product,
        "name": name,
        "last_purchase": reminder.last_purchase,
        "bought_again": reminder.bought_again_at or None,
        "withdraws": reminder.trigger_id,
    }
    cycle = f"{product}@{reminder.last_purchase}"
    emit_for_person(
        context, "repurchase.withdrawn", site, reminder.person, cycle, (reason, evidence)
    )


def _sentence(context: RecordContext, site: str, product: str, cycle: Cycle) -> str:
    name = population.name_of(context.state, site, product)
    expectation = f"{name} around {date(cycle.due_at)}"
    since = round((context.state.now - cycle.last_purchase) / DAY_MS)
    if cycle.intervals:
        usual = f"bought {cycle.purchases} times, about every {cycle.interval_tenths / 10:g} days"
    else:
        count = "once" if cycle.purchases == 1 else f"{cycle.purchases} times at once"
        usual = (
            f"bought {count}, others buy it again after about {cycle.interval_tenths / 10:g} days"
        )
    return f"{expectation} ({usual}, last {since} {'day' if since == 1 else 'days'} ago)"


def _evidence(context: RecordContext, site: str, product: str, cycle: Cycle) -> dict[str, Any]:
    norm = population.norm(context.state, site, product)
    assert norm is not None, "only a cycle with a forecast is reminded of"
    expected = forecast(norm, cycle.intervals, cycle.total)
    return {
        "product_id": product,
        "name": population.name_of(context.state, site, product),
        "purchases": cycle.purchases,
        "last_purchase": cycle.last_purchase,
        "interval_days": cycle.interval_tenths / 10,
        "due_at": cycle.due_at,
        "late_at": cycle.late_at,
        "lapsed_at": cycle.lapsed_at,
        "probability_of_return": round(expected.returns, 3),
        "probability_within_window": round(chance_at_due(expected, context.policy), 3),
        "weight_of_own_intervals": round(expected.weight, 3),
    }
