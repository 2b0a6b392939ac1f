"""What going forward means on a page, learned from what people do.

A Markov chain page → first next step, from counts: value(page) is the chance to reach the goal,
the fixed point of value = Σ share(next) · value(next) with the goal's 1 and leaving's 0 (value
iteration for an absorbing chain; Kemeny & Snell 1960, chapter 3). A next step is forward where it
is materially nearer to the goal than the page itself. "Any next page" would call the way back from
a broken checkout to the cart a success.

Only windows that left the quarantine are counted, and none of a page that is flagged or suspect,
so a break cannot redefine forward.
"""

from collections.abc import Mapping
from math import inf
from typing import Final

NO_STEP: Final = ""
"""The step of those who took none."""

MIN_GOALS: Final = 10.0
"""Goals reached before anything is learned: below, one buyer more or less moves a value by 10 %."""

MIN_VIEWS: Final = 30.0
"""Attempts at a page before it gets a forward set."""

MIN_SHARE: Final = 0.01
"""Next steps taken by fewer are ignored."""

MIN_ODDS_RATIO: Final = 1.2
"""How many times better the odds to reach the goal must be. Known steps stay while above 1."""

PRIOR_LEAVES: Final = 5.0
"""Attempts that are supposed to have left, added to each page: rare pages do not look near."""

SWEEPS: Final = 100

Counts = Mapping[str, Mapping[str, float]]


def first_step(steps: tuple[str, ...], goal: str) -> str:
    """The first of an outcome's next steps that is a page or the goal, else the first, else NO_STEP."""
    for step in steps:
        if step.startswith("/") or step == goal:
            return step
    return steps[0] if steps else NO_STEP


def verdict(declared: bool | None, steps: tuple[str, ...], forward: tuple[str, ...]) -> bool | None:
    """Whether an attempt went forward; None where neither funnel nor learning can say."""
    if declared is not None or not forward:
        return declared
    return bool([step for step in steps if step in forward])


def values(counts: Counts, goal: str) -> dict[str, float]:
    """Per page the chance to reach `goal`; empty while it was reached too rarely to tell."""
    if sum(steps.get(goal, 0.0) for steps in counts.values()) < MIN_GOALS:
        return {}
    value = dict.fromkeys(counts, 0.0)
    value[goal] = 1.0
    for _ in range(SWEEPS):
        change = 0.0
        for page, steps in counts.items():
            new = _value(steps, value)
            change = max(change, abs(new - value[page]))
            value[page] = new
        if change < 1e-6:
            break
    return value


def choose(
    page: str, steps: Mapping[str, float], value: Mapping[str, float], current: tuple[str, ...]
) -> tuple[str, ...]:
    """The page's forward set, sorted; `current` where there is too little to say otherwise."""
    views = sum(steps.values())
    own = value.get(page, 0.0)
    if views < MIN_VIEWS or own <= 0.0:
        return current
    return tuple(
        step
        for step in sorted(steps)
        if steps[step] >= MIN_SHARE * views
        and _odds(value.get(step, 0.0)) > _odds(own) * (1.0 if step in current else MIN_ODDS_RATIO)
    )


def _odds(chance: float) -> float:
    return chance / (1.0 - chance) if chance < 1.0 else inf


def _value(steps: Mapping[str, float], value: Mapping[str, float]) -> float:
    expected = sum(count * value.get(step, 0.0) for step, count in steps.items())
    return expected / (sum(steps.values()) + PRIOR_LEAVES)
