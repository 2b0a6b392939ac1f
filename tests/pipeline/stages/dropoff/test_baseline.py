from math import sin
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.dropoff.baseline import (
    NO_BASELINE,
    WARM_VIEWS,
    Baseline,
    predict,
    share,
    train,
)

MONDAY = 20_458 * 24
"""Hours since 1970 at the start of a day."""


def trained_baseline(
    days: int, views: int, odds_at: dict[int, float] | None = None, seed: int = 1
) -> Baseline:
    """A baseline after days of hourly counts; `odds_at` gives an hour's log-odds (1.0 else)."""
    roll, baseline = Random(seed), Baseline()
    for hour in range(MONDAY, MONDAY + days * 24):
        p = share((odds_at or {}).get(hour % 24, 1.0))
        forward = sum(roll.random() < p for _ in range(views))
        train(baseline, hour, views, forward, predict(baseline, hour)[0])
    return baseline


def test_says_nothing_before_it_is_warm() -> None:
    baseline = Baseline()
    train(baseline, MONDAY, WARM_VIEWS - 1, 20, NO_BASELINE)
    assert predict(baseline, MONDAY + 1) == (NO_BASELINE, NO_BASELINE)
    train(baseline, MONDAY + 1, 1, 1, NO_BASELINE)
    assert predict(baseline, MONDAY + 2)[0] > NO_BASELINE


def test_finds_the_share() -> None:
    usual, _ = predict(trained_baseline(7, 20), MONDAY + 7 * 24)
    assert abs(usual - 1.0) < 0.25


def test_the_floor_rises_with_what_is_known() -> None:
    hour = MONDAY + 15
    little, much = trained_baseline(1, 5), trained_baseline(14, 20)
    assert predict(little, hour)[1] < predict(much, hour)[1] < predict(much, hour)[0]


def test_learns_the_hours_of_the_day() -> None:
    tide = {hour: 1.0 + 0.5 * sin(hour / 24 * 6.2832) for hour in range(24)}
    baseline = trained_baseline(14, 30, tide)
    morning, evening = (predict(baseline, MONDAY + 14 * 24 + hour)[0] for hour in (6, 18))
    assert 0.75 < morning - evening < 1.25


def test_hours_never_seen_keep_a_wide_floor() -> None:
    baseline = Baseline()
    for hour in range(MONDAY + 8, MONDAY + 14):
        train(baseline, hour, 100, 70, predict(baseline, hour)[0])
    widths = [usual - floor for usual, floor in (predict(baseline, MONDAY + h) for h in (11, 23))]
    assert widths[0] < 0.9 * widths[1]


def test_days_that_differ_widen_the_floor() -> None:
    def spread(moods: list[float]) -> float:
        baseline = Baseline()
        for day, mood in enumerate(moods):
            frozen = predict(baseline, MONDAY + day * 24)[0]
            for hour in range(MONDAY + day * 24, MONDAY + day * 24 + 24):
                train(baseline, hour, 50, round(50 * share(1.0 + mood)), frozen)
        return baseline.spread

    assert spread([0.0] * 20) < 0.5 * spread([0.4, -0.4] * 10)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(-3, 503)), max_size=60))
def test_whatever_it_is_taught_it_stays_finite(hours: list[tuple[int, int]]) -> None:
    baseline = Baseline()
    for n, (views, forward) in enumerate(hours):
        usual, floor = predict(baseline, MONDAY + n)
        assert floor <= usual < 50
        train(baseline, MONDAY + n, views, forward, usual)
