"""The estimator, against cases whose answer is known."""

import random
from math import exp

import pytest

from pipeline.stages.people.interval_model import (
    LONGEST_DAYS,
    Norm,
    Sums,
    forecast,
    interval_sums,
    norm_of,
    occasions,
)
from schemas.time_units import DAY_MS, HOUR_MS


def sums_of(histories: list[list[float]]) -> Sums:
    """Sums over people's intervals in days."""
    sums = Sums()
    for intervals in histories:
        times, days = [0], 0.0
        for interval in intervals:
            days += interval
            times.append(round(days * DAY_MS))
        person = interval_sums(times)
        sums.add(person.intervals, person.total, person.squares, 1)
    return sums


def simulated_sums(people: int, mean: float, between: float, within: float) -> Sums:
    """Intervals drawn from the model itself, ten for each of `people`."""
    rng = random.Random(7)
    return sums_of(
        [
            [exp(rng.gauss(m, within)) for _ in range(10)]
            for m in (rng.gauss(mean, between) for _ in range(people))
        ]
    )


def test_the_parameters_the_data_were_drawn_with_are_found() -> None:
    norm = norm_of([simulated_sums(2_000, 3.4, 0.4, 0.2)] * 3)
    assert norm is not None
    assert norm.mean == pytest.approx(3.4, abs=0.03)
    assert norm.within == pytest.approx(0.04, rel=0.05)
    assert norm.between == pytest.approx(0.16, rel=0.1)
    assert norm.returns == pytest.approx(10 / 11, abs=0.01)


def test_nobody_ever_came_back_gives_no_norm() -> None:
    assert norm_of([sums_of([[], [], []])] * 3) is None


def test_a_product_without_intervals_borrows_from_the_site_but_keeps_its_own_share() -> None:
    site, product = simulated_sums(100, 3.4, 0.4, 0.2), sums_of([[]] * 90)
    norm = norm_of([site, Sums(), product])
    assert norm is not None
    assert exp(norm.mean) == pytest.approx(30, rel=0.1)
    assert norm.returns < 0.1


def test_own_intervals_weigh_more_the_more_there_are() -> None:
    norm = Norm(mean=3.4, within=0.04, between=0.04, returns=0.9)
    own = interval_sums([day * 7 * DAY_MS for day in range(9)])
    weights = [forecast(norm, n, own.total * n // own.intervals).weight for n in (0, 1, 4, 8)]
    assert weights == [0, 0.5, 0.8, pytest.approx(8 / 9)]
    days = [forecast(norm, n, own.total * n // own.intervals).days_tenths for n in (0, 1, 4, 8)]
    assert days[0] == 300
    assert days == sorted(days, reverse=True)
    assert days[-1] == pytest.approx(70, rel=0.2)


def test_due_late_and_lapsed_follow_one_another_even_without_noise() -> None:
    expected = forecast(Norm(0.0, 0.0025, 0.0025, 0.9), 0, 0)
    assert expected.days_tenths < expected.late_tenths < expected.lapsed_tenths


def test_two_own_returns_outweigh_a_population_that_never_does_one_does_not() -> None:
    norm = Norm(3.4, 0.04, 0.04, returns=0.05)
    once, twice = (forecast(norm, n, 3_400 * n).returns for n in (1, 2))
    assert (once < 0.3, twice > 0.4) == (True, True)


def test_purchases_within_hours_are_one_occasion() -> None:
    assert occasions([0, HOUR_MS, 21 * HOUR_MS, 22 * HOUR_MS, 48 * HOUR_MS]) == [
        0,
        21 * HOUR_MS,
        48 * HOUR_MS,
    ]
    assert interval_sums([0, HOUR_MS]).intervals == 0


def test_an_absurd_gap_counts_as_the_longest() -> None:
    far = interval_sums([0, 50 * 365 * DAY_MS])
    assert far.total == interval_sums([0, LONGEST_DAYS * DAY_MS]).total


def test_counting_out_leaves_exactly_nothing() -> None:
    sums = simulated_sums(50, 3, 0.4, 0.3)
    same_sums = simulated_sums(50, 3, 0.4, 0.3)
    sums.merge(same_sums, -1)
    assert sums == Sums()


def test_the_chance_of_a_purchase_is_what_the_model_yields_when_drawn_from() -> None:
    norm = Norm(3.4, 0.04, 0.06, returns=0.7)
    expected = forecast(norm, 0, 0)
    rng = random.Random(3)
    draws = [
        exp(rng.gauss(rng.gauss(3.4, 0.06**0.5), 0.2)) if rng.random() < 0.7 else 1e9
        for _ in range(40_000)
    ]
    waiting = [x for x in draws if x > 27]
    came = sum(x <= 41 for x in waiting) / len(waiting)
    assert expected.chance(27, 14) == pytest.approx(came, abs=0.01)
