from tests.bench.dropoff_score import TUNING, Score, score, summary


def test_a_few_sites_are_scored_within_bounds() -> None:
    kinds = ("small", "back to cart", "holiday", "first day")
    scores = [score(kind, TUNING + 500 + n) for n, kind in enumerate(kinds)]
    numbers = summary(scores)
    assert numbers["false_alarms"] == 0
    assert numbers["missed"] <= 1  # four views an hour until the break leave a wide floor
    assert numbers["failed_views_median"] <= 60


def test_a_missed_break_and_a_false_alarm_are_counted() -> None:
    numbers = summary(
        [
            Score("small", 1, 2.0, outcomes=10, seconds=1.0, broken=True),
            Score("calm", 2, 2.0, outcomes=10, seconds=1.0, false=["all: ..."]),
        ]
    )
    assert (numbers["missed"], numbers["false_alarms"]) == (1, 1)
    assert numbers["false_alarms_per_site_week"] == 0.25
