"""A cycle: one person's wait for one product after their last purchase. Pure functions of one cycle.

States: `waiting`; `due` from `lead_ms` before the expected date; `late` when 84 %, `lapsed` when 98 %
of those who return would have returned; "" where no return is expected. Dates depend on the
population, which others' purchases move, so every cycle is looked at again daily.
"""

from typing import Final, NamedTuple

from pipeline.stages.people.interval_model import Forecast, Norm, forecast
from pipeline.stages.people.policy import Policy
from pipeline.stages.people.state import Cycle
from schemas.time_units import DAY_MS

_TENTH: Final = DAY_MS // 10
_STEPS: Final = ("waiting", "due", "late", "lapsed")
_RANK: Final = {"": 0, **{state: rank for rank, state in enumerate(_STEPS)}}


class CycleColumns(NamedTuple):
    """The columns of CycleRow that a cycle decides."""

    purchases: int
    last_purchase: int
    interval_days: float
    due_at: int
    late_at: int
    lapsed_at: int
    state: str


def foresee(cycle: Cycle, norm: Norm | None, now: int, policy: Policy) -> None:
    """Set dates and state, as of `now`."""
    if norm is None:
        cycle.state = ""
        return
    expected = forecast(norm, cycle.intervals, cycle.total)
    if chance_at_due(expected, policy) < policy.chance:
        cycle.state = ""
        return
    cycle.interval_tenths = expected.days_tenths
    cycle.due_at = cycle.last_purchase + expected.days_tenths * _TENTH
    cycle.late_at = cycle.last_purchase + expected.late_tenths * _TENTH
    cycle.lapsed_at = cycle.last_purchase + expected.lapsed_tenths * _TENTH
    step = sum(now >= time for time in _crossings(cycle, policy))
    cycle.state = _STEPS[step]


def chance_at_due(expected: Forecast, policy: Policy) -> float:
    """The chance of a purchase in the window after the reminder, if there was none until then.

    1 − returns·Φ stays above 0 because `returns` is below 1: some never come back.
    """
    days = expected.days_tenths / 10
    return expected.chance(days - min(policy.lead_ms / DAY_MS, days / 4), policy.window_days)


def should_emit(cycle: Cycle, now: int, policy: Policy) -> bool:
    """Whether a trigger is to be emitted: the state is new, and was reached within `fresh_ms`."""
    rank = _RANK[cycle.state]
    if rank <= _RANK[cycle.emitted_state]:
        return False
    return now - _crossings(cycle, policy)[rank - 1] <= policy.fresh_ms


def next_look(cycle: Cycle, now: int, policy: Policy) -> int:
    """When to look at the cycle again, ms."""
    daily = now + DAY_MS
    if not cycle.state:
        return daily
    if should_emit(cycle, now, policy):
        return now
    return min([daily, *(time for time in _crossings(cycle, policy) if time > now)])


def cycle_columns(cycle: Cycle | None) -> CycleColumns | None:
    """What the cycle's row says; None where no row stands."""
    if cycle is None or not cycle.state:
        return None
    return CycleColumns(
        purchases=cycle.purchases,
        last_purchase=cycle.last_purchase,
        interval_days=cycle.interval_tenths / 10,
        due_at=cycle.due_at,
        late_at=cycle.late_at,
        lapsed_at=cycle.lapsed_at,
        state=cycle.state,
    )


def _crossings(cycle: Cycle, policy: Policy) -> tuple[int, int, int]:
    lead = min(policy.lead_ms, (cycle.due_at - cycle.last_purchase) // 4)
    return cycle.due_at - lead, cycle.late_at, cycle.lapsed_at
