"""What `schemas.outcomes.PageOutcome` says of itself."""

import pytest

from schemas import topics
from schemas.outcomes import MAX_NEXT, PageOutcome
from tests.pipeline.stages.visits.site import MINUTE, START, Site, end_of_time, event, pages

HORIZON_MINUTES = 5


def outcomes_of(site: Site, page: str) -> list[PageOutcome]:
    return [
        output.message
        for output in site.emit.outputs
        if isinstance(output.message, PageOutcome)
        and output.topic == topics.PAGES
        and output.message.page == page
    ]


@pytest.mark.parametrize(
    ("minute", "attempts"), [(4, [0]), (5, [0]), (5.1, [0, 5.1]), (10, [0, 10])]
)
def test_a_view_within_the_horizon_repeats_an_attempt_and_a_later_one_opens_another(
    minute: float, attempts: list[float]
) -> None:
    site = Site().take(*pages((0, "/cart"), (minute, "/cart")), end_of_time())
    assert len(site.sessions()) == 1
    assert [(o.time - START) / MINUTE for o in outcomes_of(site, "/cart")] == attempts


def test_time_and_message_id_are_those_of_the_view_that_opened_the_attempt() -> None:
    opening, repeat = pages((0, "/cart"), (1, "/cart"))
    site = Site().take(opening, repeat, end_of_time(20))
    (outcome,) = outcomes_of(site, "/cart")
    assert (outcome.time, outcome.message_id) == (opening.time, opening.message_id)
    assert outcome.decided_at == START + 20 * MINUTE


def test_next_steps_end_with_the_horizon() -> None:
    views = pages((0, "/cart"), (HORIZON_MINUTES, "/last"), (HORIZON_MINUTES + 0.001, "/late"))
    (outcome,) = outcomes_of(Site().take(*views, end_of_time()), "/cart")
    assert outcome.next == ("/last",)


def test_next_steps_are_distinct_and_no_more_than_max_next() -> None:
    minutes = [n / 10 for n in range(1, 2 * MAX_NEXT + 5)]
    views = [(0.0, "/cart"), *((m, f"/page-{chr(97 + n // 2)}") for n, m in enumerate(minutes))]
    (outcome,) = outcomes_of(Site().take(*pages(*views), end_of_time()), "/cart")
    assert outcome.next == tuple(f"/page-{letter}" for letter in "abcdefgh")


def test_a_step_that_is_forward_by_the_declared_funnel_is_the_last() -> None:
    views = pages((0, "/cart"), (1, "/help"), (2, "/checkout"), (3, "/payment"))
    site = Site("/cart > /checkout > /payment").take(*views, end_of_time())
    (outcome,) = outcomes_of(site, "/cart")
    assert (outcome.next, outcome.forward) == (("/help", "/checkout"), True)


def test_forward_is_left_open_where_no_declared_funnel_has_the_page() -> None:
    site = Site("/cart > /checkout").take(*pages((0, "/help"), (1, "/cart")), end_of_time())
    (outcome,) = outcomes_of(site, "/help")
    assert outcome.forward is None


def test_a_revision_says_what_was_emitted_before() -> None:
    site = Site().take(*pages((0, "/cart"), (2, "/help")), end_of_time(10))
    site.take(event(1, path="/checkout"), end_of_time(11))
    first, second = outcomes_of(site, "/cart")
    assert (first.revision, first.next) == (0, ("/help",))
    assert (second.revision, second.next) == (1, ("/checkout", "/help"))
    assert second.was_next == first.next
