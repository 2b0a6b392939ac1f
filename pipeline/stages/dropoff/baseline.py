"""How many usually go forward on one page and device class: a seasonal baseline that can be late.

Log-odds of going forward = level + two harmonics of the day (UTC) + an effect of the weekday. All
are Gaussian estimates with their covariance (the weekdays' is kept diagonal); an hour's counts
update them by an extended Kalman filter for a binomial observation (West, Harrison & Migon 1985,
"Dynamic generalized linear models and Bayesian forecasting"). What was never seen keeps its
prior's width, so a site's first night widens the floor by itself.

`spread` is what remains between days beyond binomial chance (overdispersion), by the method of
moments on whole days against the predictions made *before* the day was learned from.
"""

from functools import lru_cache
from math import cos, exp, log, pi, sin, sqrt
from typing import Final

from msgspec import Struct, field

WARM_VIEWS: Final = 20
"""Views before a baseline says anything: below, a share of 70 % is known to ± 20 points at best."""

TOLERANCE: Final = 2.3
"""The floor is this many standard deviations below the usual log-odds."""

NO_BASELINE: Final = -99.0
"""Log-odds where there is no baseline yet: no share lies below it, so it can raise no alarm."""

SHAPE_VARS: Final = (1.0, 0.15**2, 0.15**2, 0.08**2, 0.08**2)
"""Prior variances of level, sine and cosine of the day, sine and cosine of the half-day."""

DAY_VAR: Final = 0.12**2
"""Prior variance of a weekday's effect."""

SPREAD: Final = 0.15**2
SPREAD_DAYS: Final = 4.0
"""Prior variance between days, and how many days' worth of evidence it counts for."""

LEVEL_DRIFT: Final = 0.05**2
DAY_DRIFT: Final = 0.01**2
"""Variance added per day to the level and to a weekday: how fast they may wander."""

DAILY_SPREAD_DECAY: Final = 0.97
"""Weight a day's spread keeps for each later day."""


NEWTON_STEPS: Final = 3

SIZE: Final = len(SHAPE_VARS)


class Shape(Struct, array_like=True, gc=False):
    """Level and harmonics: their means, and their covariance row by row."""

    mean: list[float]
    cov: list[float]


class Effect(Struct, array_like=True, gc=False):
    """A Gaussian estimate of one weekday's effect."""

    mean: float
    var: float


def _new_shape(level: float, var: float) -> Shape:
    vars_ = (var, *SHAPE_VARS[1:])
    cov = [vars_[row] if row == column else 0.0 for row in range(SIZE) for column in range(SIZE)]
    return Shape([level, *[0.0] * (SIZE - 1)], cov)


class Baseline(Struct):
    """See the module. `views` and `forward` count only until WARM_VIEWS; `hour` is the last one
    learned from. `score` and `information` sum the current day's surprise.
    """

    views: int = 0
    forward: int = 0
    hour: int = -1
    shape: Shape = field(default_factory=lambda: _new_shape(0.0, SHAPE_VARS[0]))
    days: list[Effect] = field(default_factory=lambda: [Effect(0.0, DAY_VAR) for _ in range(7)])
    spread: float = SPREAD
    weight: float = SPREAD_DAYS
    day: int = -1
    score: float = 0.0
    information: float = 0.0


def share(odds: float) -> float:
    """Log-odds → a fraction."""
    return 1.0 / (1.0 + exp(-odds)) if odds > -700 else 0.0


def odds_of(forward: float, views: float) -> float:
    """Counts → log-odds, with half a view added to either side."""
    return log((forward + 0.5) / (views - forward + 0.5))


def predict(baseline: Baseline, hour: int) -> tuple[float, float]:
    """The usual log-odds in `hour` (since 1970) and their floor; twice NO_BASELINE before it is warm."""
    if baseline.views < WARM_VIEWS:
        return NO_BASELINE, NO_BASELINE
    mean, var, _ = _read(baseline.shape, hour)
    of_day = baseline.days[hour // 24 % 7]
    idle = max(0, hour - baseline.hour) / 24
    usual = mean + of_day.mean
    var += of_day.var + idle * LEVEL_DRIFT + baseline.spread
    return usual, usual - TOLERANCE * sqrt(var)


def train(baseline: Baseline, hour: int, views: int, forward: int, usual: float) -> None:
    """Learn from an hour's counts; `usual` is what had been predicted for it when it began."""
    if views <= 0:
        return
    forward = min(max(forward, 0), views)
    if baseline.views < WARM_VIEWS:
        _warm(baseline, hour, views, forward)
        return
    if usual > NO_BASELINE:
        _add_residual(baseline, hour // 24, views, forward, usual)
    _add_drift(baseline, hour)
    _update(baseline, hour, views, forward)


def _warm(baseline: Baseline, hour: int, views: int, forward: int) -> None:
    baseline.views += views
    baseline.forward += forward
    baseline.hour = hour
    if baseline.views >= WARM_VIEWS:
        odds = odds_of(baseline.forward, baseline.views)
        baseline.shape = _new_shape(odds, 1.0 / _information(odds, baseline.views))


@lru_cache(maxsize=24)
def _terms(hour: int) -> tuple[float, ...]:
    angle = 2 * pi * hour / 24
    return (1.0, sin(angle), cos(angle), sin(2 * angle), cos(2 * angle))


def _read(shape: Shape, hour: int) -> tuple[float, float, list[float]]:
    """The shape's log-odds in an hour, their variance, and the covariance with each part."""
    terms, cov = _terms(hour % 24), shape.cov
    mean = sum([m * t for m, t in zip(shape.mean, terms, strict=True)])
    along = [
        sum([c * t for c, t in zip(cov[row : row + SIZE], terms, strict=True)])
        for row in range(0, SIZE * SIZE, SIZE)
    ]
    return mean, sum([a * t for a, t in zip(along, terms, strict=True)]), along


def _information(odds: float, views: float) -> float:
    p = share(odds)
    return max(views * p * (1.0 - p), 0.25)


def _add_residual(baseline: Baseline, day: int, views: int, forward: int, usual: float) -> None:
    if day != baseline.day:
        _close_day(baseline)
        baseline.day, baseline.score, baseline.information = day, 0.0, 0.0
    baseline.score += forward - views * share(usual)
    baseline.information += _information(usual, views)


def _close_day(baseline: Baseline) -> None:
    if baseline.information < 1.0:
        return
    off = min(max(baseline.score / baseline.information, -1.0), 1.0)
    excess = off * off - 1.0 / baseline.information - baseline.shape.cov[0]
    trust = 1.0 / (1.0 + 1.0 / (baseline.information * SPREAD))
    weight = baseline.weight * DAILY_SPREAD_DECAY
    total = baseline.spread * weight + max(excess, -baseline.spread) * trust
    baseline.weight = weight + trust
    baseline.spread = max(total / baseline.weight, 0.05**2)


def _add_drift(baseline: Baseline, hour: int) -> None:
    days = max(0, hour - baseline.hour) / 24
    baseline.hour = max(hour, baseline.hour)
    baseline.shape.cov[0] += days * LEVEL_DRIFT
    of_day = baseline.days[hour // 24 % 7]
    of_day.var = min(of_day.var + days * DAY_DRIFT, DAY_VAR)


def _update(baseline: Baseline, hour: int, views: int, forward: int) -> None:
    """One observation; a few bounded Newton steps, because the first may start far off."""
    shape, of_day = baseline.shape, baseline.days[hour // 24 % 7]
    mean, var, along = _read(shape, hour)
    prior = odds = mean + of_day.mean
    var += of_day.var
    gain = 0.0
    for _ in range(NEWTON_STEPS):
        information = _information(odds, views)
        residual = (forward - views * share(odds)) / information + odds - prior
        gain = 1.0 / (var + 1.0 / information + baseline.spread)
        odds += min(max(prior + var * gain * residual - odds, -1.0), 1.0)
    step = (odds - prior) / var
    shape.mean = [m + a * step for m, a in zip(shape.mean, along, strict=True)]
    drop = [gain * a * b for a in along for b in along]
    shape.cov = [c - d for c, d in zip(shape.cov, drop, strict=True)]
    of_day.mean += of_day.var * step
    of_day.var *= 1.0 - of_day.var * gain
