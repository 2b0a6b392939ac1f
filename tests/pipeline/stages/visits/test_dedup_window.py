"""What is stored twice is never more than what the books call beyond the window, and that is little."""

from collections.abc import Iterator
from random import Random

import pytest

from pipeline.stages.visits import arrivals, dedup_window, reviews
from pipeline.stages.visits.dedup_index import WINDOW_DAYS
from schemas.events import Event, tick
from schemas.rows import AccountingRow, EventRow
from tests.pipeline.stages.visits.site import MINUTE, START, Site, event

DAY = 24 * 60
SEEDS = 12


def beyond(site: Site) -> int:
    return sum(row["beyond_window"] for row in site.rows(AccountingRow))


def twice(site: Site) -> int:
    """Rows of events that are there already: what the warehouse will merge."""
    keys = [(e["device"], e["time"], e["message_id"], e["type"]) for e in site.rows(EventRow)]
    return len(keys) - len(set(keys))


def at(minute: float) -> Event:
    return tick(START + int(minute * MINUTE))


def test_who_is_new_is_no_repeat() -> None:
    site = Site()
    for hour in range(200):
        site.take(
            event(60 * hour, f"d{hour}"), event(60 * hour + 1, f"d{hour // 50}"), at(60 * hour + 2)
        )
    assert beyond(site) == 0


def test_a_repeat_from_beyond_the_window_is_stored_again_and_counted() -> None:
    first = event(0)
    site = Site().take(first, *map(at, (1, 100, 2 * DAY, 2 * DAY + 1)))
    site.take(first)
    assert (twice(site), beyond(site)) == (1, 1)


def test_an_order_imported_again_after_its_bucket_was_forgotten_is_counted() -> None:
    order = event(0, "", "purchase", identifiers=("user_id:7",))
    site = Site().take(at(0), order, at((WINDOW_DAYS + 2) * DAY), order)
    assert (twice(site), beyond(site)) == (1, 1)


def event_streams(rng: Random) -> Iterator[Event]:
    """Devices with clocks that are right, behind and ahead; events that come late, or again and again."""
    sent: list[Event] = []
    now = 0.0
    skews = [rng.choice((0, 0, 0, 3 * DAY, -3 * DAY, -200)) for _ in range(8)]
    for _ in range(300):
        now += rng.choice((0, 0.1, 1, 10, 60, 600, 2_000))
        yield at(now)
        device = rng.randrange(9)
        if device == 8:
            sent_event = event(
                now - rng.choice((0, 5, DAY)), "", "purchase", identifiers=("user_id:7",)
            )
        else:
            late = rng.choice((0, 0, 0, 1, 30, 1_500))
            received_at = START + int(now * MINUTE)
            sent_event = event(now - late - skews[device], f"d{device}", received_at=received_at)
        sent.append(sent_event)
        yield sent_event
        if rng.random() < 0.4:
            yield rng.choice(sent)


def test_the_event_streams_have_repeats_that_are_stored_again() -> None:
    """Else the next test could not fail."""
    site = Site()
    for single_event in event_streams(Random(0)):
        site.take(single_event)
    assert twice(site) > 0


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize(("events", "room"), [(1_000, 10**9), (5, 10**9), (1_000, 500)])
def test_what_is_stored_twice_is_beyond_the_window(
    monkeypatch: pytest.MonkeyPatch, seed: int, events: int, room: int
) -> None:
    """Also where a device has more events than are remembered, and all of them more than there is room."""
    for module in (arrivals, dedup_window, reviews):
        monkeypatch.setattr(module, "MAX_RECENT_EVENTS", events)
    site = Site()
    site.stage.limits = site.stage.limits._replace(state_limit_bytes=room)
    for number, single_event in enumerate(event_streams(Random(seed))):
        site.take(single_event)
        if number % 100 == 0:
            assert twice(site) <= beyond(site), seed
    assert twice(site) <= beyond(site), seed
