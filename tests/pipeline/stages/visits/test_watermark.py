"""The log's time: ordinary ticks pass, outages are walked, and it always arrives."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.visits.watermark import ORDINARY_MS, OUTAGE_MS, advance, with_corrected_receipt
from schemas.events import Event

NOW = 1_760_000_000_000
SECOND = 1_000
HOUR = 3_600_000


def ticks_until_caught_up(gap: int, pace: int = SECOND) -> int:
    """How many ticks after an outage of `gap` ms until time is where they are."""
    now = newest_tick = NOW
    for number in count(1):
        tick = NOW + gap + (number - 1) * pace
        now, newest_tick = advance(now, newest_tick, tick), tick
        if now == tick:
            return number
    raise AssertionError


def test_the_first_tick_sets_the_time() -> None:
    assert advance(0, 0, NOW) == NOW


def test_ticks_up_to_a_quarter_of_an_hour_apart_pass_as_they_are() -> None:
    for apart in (1, SECOND, 288 * SECOND, ORDINARY_MS):
        assert advance(NOW, NOW, NOW + apart) == NOW + apart


def test_after_an_outage_the_first_tick_carries_a_sixtieth() -> None:
    assert advance(NOW, NOW, NOW + HOUR) == NOW + HOUR // 60
    assert advance(NOW, NOW, NOW + ORDINARY_MS + 1) == NOW + 30 * SECOND


def test_an_outage_is_walked_in_minutes() -> None:
    assert 60 <= ticks_until_caught_up(HOUR) <= 120
    assert ticks_until_caught_up(OUTAGE_MS) <= 240


def test_a_clock_that_runs_fast_is_caught_up_with_too() -> None:
    assert ticks_until_caught_up(HOUR, pace=288 * SECOND) <= 120


def test_more_than_an_outage_is_taken_at_once() -> None:
    assert advance(NOW, NOW, NOW + OUTAGE_MS + 1) == NOW + OUTAGE_MS + 1


def test_one_wrong_tick_an_hour_ahead_moves_time_by_a_minute() -> None:
    now = advance(NOW, NOW, NOW + HOUR)
    for second in range(200):
        now = advance(now, NOW + HOUR, NOW + second * SECOND)
    assert now == NOW + 199 * SECOND


@given(st.lists(st.integers(0, 2 * OUTAGE_MS), min_size=1))
def test_time_never_goes_back_and_never_runs_ahead_of_the_ticks(ticks: list[int]) -> None:
    now = newest_tick = 0
    for tick in ticks:
        after = advance(now, newest_tick, NOW + tick)
        newest_tick = max(newest_tick, NOW + tick)
        assert now <= after <= newest_tick
        now = after


DAY = 24 * HOUR
OFF = st.one_of(st.integers(-3 * DAY, 3 * DAY), st.sampled_from((0, ORDINARY_MS, -ORDINARY_MS)))


@given(ago=st.integers(0, 2 * DAY), off=OFF, silent=st.booleans())
def test_what_a_collector_with_a_wrong_clock_took_is_as_one_with_a_right_clock_takes_it(
    ago: int, off: int, silent: bool
) -> None:
    """To a quarter of an hour, ahead or behind; of an event that says no time, its time too."""
    stamp = NOW + off
    event = Event(
        type="page",
        message_id="m",
        site="s",
        time=stamp if silent else NOW - ago,
        received_at=stamp,
        corrected_time=NOW - ago + off if off else 0,
    )
    right = with_corrected_receipt(event, NOW)
    assert abs(right.received_at - NOW) <= ORDINARY_MS
    assert (right is event) == (abs(off) <= ORDINARY_MS)
    if silent:
        assert right.time == right.received_at
    else:
        assert right.time == event.time, "a sender's own clock is no collector's"
    if event.corrected_time and event.corrected_time != event.time:
        assert abs(right.corrected_time - (NOW - ago)) <= ORDINARY_MS


def test_before_the_first_tick_nothing_is_known_of_a_clock() -> None:
    event = Event(type="page", message_id="m", site="s", time=1, received_at=NOW)
    assert with_corrected_receipt(event, 0) is event
