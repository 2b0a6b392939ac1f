"""Timers: keys come due in (deadline, key) order, whatever happened before."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.state.keyed import Keyed
from pipeline.engine.state.timers import Timers


def test_a_key_comes_due_once() -> None:
    timers = Timers(Keyed(int))
    timers.set("a", 10)
    assert list(timers.due(9)) == []
    assert list(timers.due(10)) == ["a"]
    assert list(timers.due(99)) == []


def test_a_later_deadline_replaces_an_earlier_one() -> None:
    timers = Timers(Keyed(int))
    timers.set("a", 10)
    timers.set("a", 20)
    assert list(timers.due(15)) == []
    assert list(timers.due(20)) == ["a"]


def test_a_cleared_key_never_comes_due() -> None:
    timers = Timers(Keyed(int))
    timers.set("a", 10)
    timers.clear("a")
    assert list(timers.due(10)) == []


def test_setting_what_is_set_already_costs_nothing() -> None:
    table: Keyed[int] = Keyed(int)
    timers = Timers(table)
    assert list(timers.due(0)) == []  # from now on there is a heap
    timers.set("a", 10)
    table.settle(table.changes())
    for _ in range(1_000):
        timers.set("a", 10)
    assert table.changes() == {}
    assert len(timers._loaded()) == 1
    assert list(timers.due(10)) == ["a"]


def test_a_key_can_be_set_again_to_the_time_at_which_it_came_due() -> None:
    timers = Timers(Keyed(int))
    timers.set("a", 10)
    assert list(timers.due(10)) == ["a"]
    timers.set("a", 10)
    assert list(timers.due(10)) == ["a"]


def test_what_is_not_taken_out_stays() -> None:
    timers = Timers(Keyed(int))
    for key in "abc":
        timers.set(key, 10)
    assert list(islice(timers.due(10), 2)) == ["a", "b"]
    assert list(timers.due(10)) == ["c"]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 20)), max_size=30))
def test_a_reloaded_table_gives_the_same_order_as_the_one_it_was_saved_from(
    settings: list[tuple[str, int]],
) -> None:
    table: Keyed[int] = Keyed(int)
    timers = Timers(table)
    for key, deadline in settings:
        timers.set(key, deadline)
    table.settle(table.changes())
    copy: Keyed[int] = Keyed(int)
    copy.load(table.encoded())
    assert list(Timers(copy).due(20)) == list(timers.due(20))
