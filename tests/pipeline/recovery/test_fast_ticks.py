"""Looking back, ticks of clocks that ran ahead are found, and right ones are hardly ever blamed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.recovery.fast_ticks import stretches
from pipeline.recovery.tick_check import TOLERANCE_MS

SECOND, HOUR = 1_000, 3_600_000
START = 1_760_000_000_000
COUNT = 2_000
TICKS = [START + n * SECOND for n in range(COUNT)]
NOW = TICKS[-1]

aheads = st.integers(TOLERANCE_MS + 120 * SECOND, 10**12)
bursts = st.lists(
    st.tuples(st.integers(0, COUNT - 1), st.integers(1, 12), aheads), min_size=1, max_size=6
)


def wrong(times: list[int], now: int = NOW) -> set[int]:
    found = stretches(0, list(enumerate(times)), now)
    return {offset for stretch in found for offset in stretch.offsets}


@settings(deadline=None)
@given(bursts)
def test_bursts_ahead_are_found_whole_and_nothing_else(bursts: list[tuple[int, int, int]]) -> None:
    """Another collector's ticks between the right ones."""
    extra = {
        index: [TICKS[index] + n * SECOND + by for n in range(count)] for index, count, by in bursts
    }
    times = [
        (time, right)
        for index, tick in enumerate(TICKS)
        for time, right in [(tick, True), *((e, False) for e in extra.get(index, ()))]
    ]
    assert wrong([time for time, _ in times]) == {
        offset for offset, (_, right) in enumerate(times) if not right
    }


@settings(deadline=None)
@given(st.integers(0, COUNT - 20), st.integers(1, 15), aheads)
def test_the_only_collectors_clock_that_ran_ahead_for_a_moment_is_found(
    index: int, count: int, by: int
) -> None:
    times = [tick + by if index <= n < index + count else tick for n, tick in enumerate(TICKS)]
    assert wrong(times) == set(range(index, index + count))


@settings(deadline=None)
@given(st.integers(0, COUNT - 1), st.integers(1, 8), st.integers(1, 10**12))
def test_a_few_slow_ticks_blame_nobody(index: int, count: int, by: int) -> None:
    times = [tick - by if index <= n < index + count else tick for n, tick in enumerate(TICKS)]
    assert wrong(times) == set()


def test_a_collector_that_is_slow_for_good_blames_nobody() -> None:
    assert wrong([time for tick in TICKS for time in (tick, tick - 24 * HOUR)]) == set()


def test_half_an_hour_ahead_of_a_day_is_found_though_it_agrees_with_itself() -> None:
    day = [START + n * SECOND for n in range(24 * 3_600)]
    times = [tick + 48 * HOUR if 40_000 <= n < 41_800 else tick for n, tick in enumerate(day)]
    assert wrong(times, day[-1]) == set(range(40_000, 41_800))


def test_outages_and_ticks_of_the_future_at_the_end() -> None:
    times = [*TICKS, *(NOW + 5 * HOUR + n * SECOND for n in range(3))]
    assert wrong(times, NOW + 6 * HOUR) == set()
    assert wrong(times, NOW) == {COUNT, COUNT + 1, COUNT + 2}


def test_a_stretch_says_from_when_to_when_and_how_far() -> None:
    times = [*TICKS[:100], NOW + 48 * HOUR, NOW + 48 * HOUR + SECOND, *TICKS[100:]]
    (found,) = stretches(1, list(enumerate(times)), NOW)
    assert str(found) == (
        "partition 1, offsets 100 to 101: 2 ticks from 2025-10-11 09:26:39 to 2025-10-11 09:26:40 UTC, "
        "up to 48.5 h ahead"
    )
