"""When somebody is likely to buy again: own intervals, weighed against everybody's.

The logarithm of an interval is taken to be normal (intervals are positive and skewed; a median and
quantiles come for free). For person i with intervals x_ij = ln(days):

    x_ij = m_i + e_ij,   m_i ~ N(μ, τ²),   e_ij ~ N(0, σ²)

The best linear estimate of m_i is the credibility formula of Bühlmann and Straub (1970), the same
as empirical Bayes for this model:

    m̂_i = w·x̄_i + (1 − w)·μ,   w = n_i / (n_i + σ²/τ²)

and the next interval is normal around it with variance σ² + τ²(1 − w). σ² and τ² come from sums of
squares within and between people (one-way random effects, method of moments). A product with few
intervals borrows from its category, that from the site: each level's numbers are averaged with
the level's above as if that had been observed `PRIOR_WEIGHT` times.

Whether there will be a next purchase at all is a beta-binomial estimate (as in the BG/NBD model of
Fader, Hardie and Lee, 2005): of a product's purchases, those followed by ansums. Everybody's last
purchase counts as not followed, so people who never return count in full, and recent ones a
little too much: this errs towards no reminder.

All sums are integers (thousandths of ln(days)), so that adding them up in any order is exact.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import erfc, exp, log, sqrt
from typing import Final, NamedTuple

from msgspec import Struct

from schemas.time_units import DAY_MS, HOUR_MS

SCALE: Final = 1_000
SAME_OCCASION_MS: Final = 20 * HOUR_MS
"""Purchases of a product within this after an occasion's first one belong to that occasion."""
LONGEST_DAYS: Final = 3 * 365
"""Longer intervals count as this long."""
PRIOR_WEIGHT: Final = 8.0
RETURNS_PRIOR_WEIGHT: Final = 3.0
"""How many of a person's own purchases the population's share of returns weighs as much as."""
DEFAULT_VARIANCE: Final = 0.25
"""σ² and τ² where nothing is known: a factor of e^0.5 ≈ 1.65 up or down."""
MIN_VARIANCE: Final = 0.0025
LATE_SD: Final = 1.0
LAPSED_SD: Final = 2.0
"""Standard deviations after the expected date: 84 % and 98 % of those who return are back."""


class IntervalSums(NamedTuple):
    """One person's purchases of one product: the last one's time, ms, and sums over intervals."""

    last_purchase: int
    intervals: int
    total: int
    squares: int


class Sums(Struct, array_like=True):
    """Sums over pairs of person and product: what `Norm` needs, each exact in any order."""

    buyers: int = 0
    repeaters: int = 0
    intervals: int = 0
    total: int = 0
    squares: int = 0
    means: int = 0
    """Σ S_i²/n_i"""
    weights: int = 0
    """Σ n_i²"""

    def add(self, intervals: int, total: int, squares: int, sign: int) -> None:
        """Count one pair in (sign 1) or out (−1)."""
        self.buyers += sign
        if intervals:
            self.repeaters += sign
            self.intervals += sign * intervals
            self.total += sign * total
            self.squares += sign * squares
            self.means += sign * (total * total // intervals)
            self.weights += sign * intervals * intervals

    def merge(self, sums: "Sums", sign: int) -> None:
        """Add other sums (sign 1) or subtract them (−1)."""
        self.buyers += sign * sums.buyers
        self.repeaters += sign * sums.repeaters
        self.intervals += sign * sums.intervals
        self.total += sign * sums.total
        self.squares += sign * sums.squares
        self.means += sign * sums.means
        self.weights += sign * sums.weights


class Norm(NamedTuple):
    """What is usual: μ, σ², τ² of ln(days), and the share of purchases followed by ansums."""

    mean: float
    within: float
    between: float
    returns: float


class Forecast(NamedTuple):
    """A next purchase: the median interval, when it is late and when lapsed, in tenths of a day.

    `deviation` is of ln(days), `returns` the chance that there is a next purchase at all, `weight` how
    much the person's own intervals count beside everybody's, 0 … 1.
    """

    days_tenths: int
    late_tenths: int
    lapsed_tenths: int
    deviation: float
    returns: float
    weight: float

    def chance(self, after_days: float, window_days: float) -> float:
        """P(buys within `window_days` | has not bought for `after_days`, more than 0)."""
        by_now = self.returns * _normal(log(10 * after_days / self.days_tenths) / self.deviation)
        by_then = self.returns * _normal(
            log(10 * (after_days + window_days) / self.days_tenths) / self.deviation
        )
        return (by_then - by_now) / (1 - by_now)


def occasions(times: Sequence[int]) -> list[int]:
    """The first times of distinct occasions, ms; `times` are sorted."""
    if len(times) < 2:
        return list(times)
    firsts = [times[0]]
    for time in times:
        if time - firsts[-1] >= SAME_OCCASION_MS:
            firsts.append(time)
    return firsts


def interval_sums(times: Sequence[int]) -> IntervalSums:
    """Sums over a person's own intervals. `times`, ms, are sorted and not empty."""
    total = squares = 0
    firsts = occasions(times)
    for earlier, later in pairwise(firsts):
        x = round(log(min((later - earlier) / DAY_MS, LONGEST_DAYS)) * SCALE)
        total += x
        squares += x * x
    return IntervalSums(times[-1], len(firsts) - 1, total, squares)


def norm_of(levels: Sequence[Sums]) -> Norm | None:
    """From the widest level (the site) to the narrowest (the product); None: no interval seen."""
    widest = levels[0]
    if not widest.intervals:
        return None
    norm = Norm(widest.total / widest.intervals / SCALE, DEFAULT_VARIANCE, DEFAULT_VARIANCE, 0.0)
    for sums in levels:
        norm = _blend(norm, sums)
    return norm


def forecast(norm: Norm, intervals: int, total: int) -> Forecast:
    """The next interval of a person with `intervals` own ones summing up to `total`."""
    weight = intervals / (intervals + norm.within / norm.between)
    mean = (1 - weight) * norm.mean
    if intervals:
        mean += weight * total / intervals / SCALE
    deviation = sqrt(norm.within + norm.between * (1 - weight))
    days_tenths = max(_tenths(mean), 1)
    late_tenths = max(_tenths(mean + LATE_SD * deviation), days_tenths + 10)
    lapsed_tenths = max(_tenths(mean + LAPSED_SD * deviation), late_tenths + 10)
    returns = (RETURNS_PRIOR_WEIGHT * norm.returns + intervals) / (RETURNS_PRIOR_WEIGHT + intervals)
    return Forecast(days_tenths, late_tenths, lapsed_tenths, deviation, returns, weight)


def _normal(z: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * erfc(-z / sqrt(2))


def _tenths(mean: float) -> int:
    return round(10 * min(exp(mean), LONGEST_DAYS))


def _blend(above: Norm, sums: Sums) -> Norm:
    n, people = sums.intervals, sums.repeaters
    returns = (n + PRIOR_WEIGHT * above.returns) / (n + sums.buyers + PRIOR_WEIGHT)
    if not n:
        return above._replace(returns=returns)
    mean = (sums.total / SCALE + PRIOR_WEIGHT * above.mean) / (n + PRIOR_WEIGHT)
    within_squares = max((sums.squares - sums.means) / SCALE**2, 0.0)
    within = (within_squares + PRIOR_WEIGHT * above.within) / (n - people + PRIOR_WEIGHT)
    between_squares = (sums.means - sums.total * sums.total / n) / SCALE**2
    divisor = n - sums.weights / n
    observed = above.between
    if divisor > 0:
        observed = max((between_squares - (people - 1) * within) / divisor, 0.0)
    between = (people * observed + PRIOR_WEIGHT * above.between) / (people + PRIOR_WEIGHT)
    return Norm(mean, max(within, MIN_VARIANCE), max(between, MIN_VARIANCE), returns)
