"""Judging: what is right, what is missing and what is false are told apart."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from footfall.demo import evaluation
from footfall.demo.evaluation import Break, Flag

PLANTED = Break("/checkout", "mobile", 1_000, [1_010, 1_020, 1_030, 1_040])
FLAG = Flag("/checkout", "mobile", 1_035)
LABELS = st.dictionaries(st.integers(0, 30).map(str), st.sampled_from("abcd"), max_size=20)


def test_people_found_as_planted_are_right_whatever_they_are_called() -> None:
    found = evaluation.stitching({"d1": "ann", "e1": "ann", "d2": "bob"}, {"d1": "x", "e1": "x"})
    assert (found.people, found.pairs_planted, found.pairs_found) == (1, 1, 1)
    assert (found.precision, found.recall, found.ok) == (1.0, 1.0, True)


def test_two_people_merged_cost_precision() -> None:
    found = evaluation.stitching(
        {"d1": "ann", "e1": "ann", "d2": "bob"}, dict.fromkeys(("d1", "e1", "d2"), "x")
    )
    assert (found.precision, found.recall, found.ok) == (1 / 3, 1.0, False)


def test_a_person_who_fell_apart_costs_recall() -> None:
    found = evaluation.stitching({"d1": "ann", "e1": "ann"}, {"d1": "x", "e1": "y"})
    assert (found.precision, found.recall, found.ok) == (1.0, 0.0, False)


@given(LABELS, LABELS)
def test_pairs_are_counted_as_if_each_were_looked_at(
    planted: dict[str, str], found: dict[str, str]
) -> None:
    said = {name: found.get(name, name) for name in planted}
    both = list(combinations(planted, 2))
    there = {pair for pair in both if planted[pair[0]] == planted[pair[1]]}
    claimed = {pair for pair in both if said[pair[0]] == said[pair[1]]}
    judged = evaluation.stitching(planted, found)
    assert (judged.pairs_planted, judged.pairs_found) == (len(there), len(there & claimed))
    assert judged.precision == (len(there & claimed) / len(claimed) if claimed else 1.0)


def test_failed_views_are_counted_until_the_first_flag() -> None:
    late = FLAG._replace(time=9_000)
    step = evaluation.broken_step(PLANTED, [late, FLAG])
    assert (step.failed_views, step.false_flags, step.ok) == (3, 0, True)


def test_a_break_that_nobody_flagged_is_not_found() -> None:
    step = evaluation.broken_step(PLANTED, [])
    assert (step.failed_views, step.minutes, step.ok) == (None, None, False)


def test_a_flag_of_another_page_another_device_or_before_the_break_is_false() -> None:
    for other in (
        FLAG._replace(page="/cart"),
        FLAG._replace(device_class="desktop"),
        FLAG._replace(time=999),
    ):
        step = evaluation.broken_step(PLANTED, [FLAG, other])
        assert (step.failed_views, step.false_flags, step.ok) == (3, 1, False)


def test_a_flag_of_all_devices_is_right() -> None:
    assert evaluation.broken_step(PLANTED, [FLAG._replace(device_class="")]).ok


def test_a_break_flagged_too_late_is_not_found_within_its_bound() -> None:
    views = list(range(1_001, 1_001 + evaluation.MOST_FAILED_VIEWS + 1))
    many = PLANTED._replace(failed_views=views)
    assert evaluation.broken_step(many, [FLAG._replace(time=views[-1])]).ok
    assert not evaluation.broken_step(many, [FLAG._replace(time=views[-1] + 1)]).ok


def test_repurchases_that_may_be_due_are_neither_asked_for_nor_false() -> None:
    found = evaluation.repurchases({("a", "tea")}, {("b", "tea")}, {("a", "tea"), ("b", "tea")})
    assert (found.planted, found.found, found.flagged, found.false, found.ok) == (1, 1, 2, 0, True)


def test_a_repurchase_flagged_falsely_fails() -> None:
    found = evaluation.repurchases({("a", "tea")}, set(), {("a", "tea"), ("a", "mug")})
    assert (found.found, found.false, found.ok) == (1, 1, False)


def test_too_few_repurchases_fail() -> None:
    due = {(str(n), "tea") for n in range(100)}
    enough = {(str(n), "tea") for n in range(round(evaluation.LEAST_DUE * 100))}
    assert evaluation.repurchases(due, set(), enough).ok
    assert not evaluation.repurchases(due, set(), enough - {("0", "tea")}).ok


COUNTED = {"declared": 10, "stored": 7, "deduplicated": 2, "rejected": 1, "rows": 7}


def test_books_balance_when_every_accepted_event_is_accounted_for() -> None:
    assert evaluation.books(10, COUNTED).ok


def test_books_do_not_balance_when_an_event_is_missing_in_flight_or_counted_twice() -> None:
    assert not evaluation.books(11, COUNTED).ok
    assert evaluation.books(11, COUNTED).in_flight == 1
    assert not evaluation.books(10, COUNTED | {"stored": 6, "rows": 6}).ok
    assert not evaluation.books(10, COUNTED | {"rows": 8}).ok
