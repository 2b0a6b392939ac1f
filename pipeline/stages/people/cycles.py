"""A cycle: one person's wait for one product after their last purchase. Pure decisions about one.

States: `waiting`; `due` from `lead` before the expected date; `late` when 84 %, `lapsed` when 98 %
of those who return would have returned; "" where no return is expected. Dates depend on the
population, which others' purchases move, so every cycle is looked at again daily.
"""

from typing import Final, NamedTuple

from pipeline.stages.people.interval_model import Forecast, Norm, forecast
from pipeline.stages.people.policy import DAY, Policy
from pipeline.stages.people.state import Cycle

_TENTH: Final = DAY // 10
_STEPS: Final = ("waiting", "due", "late", "lapsed")
_RANK: Final = {"": 0, **{state: rank for rank, state in enumerate(_STEPS)}}


class RowPart(NamedTuple):
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
    found = forecast(norm, cycle.intervals, cycle.total)
    if chance_at_due(found, policy) < policy.chance:
        cycle.state = ""
        return
    cycle.days = found.days
    cycle.due = cycle.last + found.days * _TENTH
    cycle.late = cycle.last + found.late * _TENTH
    cycle.lapsed = cycle.last + found.lapsed * _TENTH
    crossed = sum(now >= time for time in _crossings(cycle, policy))
    cycle.state = _STEPS[crossed]


def chance_at_due(found: Forecast, policy: Policy) -> float:
    """The chance of a purchase within the window after the reminder, who has not bought till then.

    1 − returns·Φ stays above 0 because `returns` is below 1: some never come back.
    """
    days = found.days / 10
    return found.chance(days - min(policy.lead / DAY, days / 4), policy.window_days)


def is_to_tell(cycle: Cycle, now: int, policy: Policy) -> bool:
    """Whether the state is new to whoever acts on it, and not history."""
    rank = _RANK[cycle.state]
    if rank <= _RANK[cycle.told]:
        return False
    return now - _crossings(cycle, policy)[rank - 1] <= policy.fresh


def next_look(cycle: Cycle, now: int, policy: Policy) -> int:
    """When to look at the cycle again, ms."""
    daily = now + DAY
    if not cycle.state:
        return daily
    if is_to_tell(cycle, now, policy):
        return now
    return min([daily, *(time for time in _crossings(cycle, policy) if time > now)])


def row_part(cycle: Cycle | None) -> RowPart | None:
    """What the cycle's row says; None where no row stands."""
    if cycle is None or not cycle.state:
        return None
    return RowPart(
        purchases=cycle.purchases,
        last_purchase=cycle.last,
        interval_days=cycle.days / 10,
        due_at=cycle.due,
        late_at=cycle.late,
        lapsed_at=cycle.lapsed,
        state=cycle.state,
    )


def _crossings(cycle: Cycle, policy: Policy) -> tuple[int, int, int]:
    lead = min(policy.lead, (cycle.due - cycle.last) // 4)
    return cycle.due - lead, cycle.late, cycle.lapsed
