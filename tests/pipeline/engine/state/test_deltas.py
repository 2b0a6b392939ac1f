"""Deltas and snapshots: a state comes back as it was, and gaps are refused."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.state.deltas import FORMAT, changes_of, delta_of, restore, settle, snapshot_of
from pipeline.engine.state.keyed import Keyed, State
from pipeline.engine.transports.contract import Delta, Snapshot
from pipeline.errors import StateDamaged


def is_even(encoded: bytes) -> bool:
    """Which numbers rest. It can say so of numbers alone: a deleted key's mark is none."""
    return msgspec.msgpack.decode(encoded, type=int) % 2 == 0


def empty() -> State:
    return State(numbers=Keyed(int, is_even), texts=Keyed(str))


def advance(state: State, offset: int, numbers: dict[str, int | None]) -> Delta:
    lo = state.applied + 1
    for key, number in numbers.items():
        if number is None:
            state.tables["numbers"].delete(key)
        else:
            state.tables["numbers"].put(key, number)
    state.applied = offset
    state.seen["up/0"] = (offset, 0)
    changes = changes_of(state)
    delta = delta_of(state, changes, lo)
    settle(state, changes)
    return delta


def loaded(deltas: Iterable[Delta], snapshot: Snapshot | None = None) -> State:
    async def each() -> AsyncIterator[Delta]:
        for delta in deltas:
            yield delta

    state = empty()
    asyncio.run(restore(state, snapshot, each()))
    return state


def contents(state: State) -> object:
    return (state.applied, state.seen, dict(state.tables["numbers"].items()))


changes = st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 9), max_size=3)


@given(st.lists(changes, max_size=8), st.integers(0, 8))
def test_a_state_comes_back_from_any_snapshot_and_the_deltas_around_it(
    history: list[dict[str, int | None]], cut: int
) -> None:
    state = empty()
    deltas: list[Delta] = []
    snapshot = None
    for offset, numbers in enumerate(history):
        deltas.append(advance(state, offset, numbers))
        if offset == cut:
            snapshot = snapshot_of(state)
    assert contents(loaded(deltas, snapshot)) == contents(state)


def test_a_repeat_of_an_applied_delta_changes_nothing() -> None:
    state = empty()
    first = advance(state, 0, {"a": 1})
    second = advance(state, 1, {"a": 2})
    assert contents(loaded([first, second, first])) == contents(state)


def test_a_longer_delta_over_the_same_offsets_replaces_a_shorter_one() -> None:
    state = empty()
    short = advance(state, 0, {"a": 1})
    whole = empty()
    long = advance(whole, 1, {"a": 2})
    assert contents(loaded([short, long])) == contents(whole)


def test_a_gap_between_deltas_is_refused() -> None:
    state = empty()
    advance(state, 0, {"a": 1})
    late = advance(state, 1, {"a": 2})
    with pytest.raises(StateDamaged, match="starts at offset 1, but the state ends at -1"):
        loaded([late])


def test_bytes_that_are_no_delta_are_refused() -> None:
    with pytest.raises(StateDamaged, match="cannot be read"):
        loaded([Delta(0, 0, b"\xffnonsense")])


def test_a_snapshot_is_made_as_it_is_asked_for_and_never_held_whole() -> None:
    state = empty()
    for number in range(200):
        state.tables["texts"].put(f"key {number}", "x" * 100_000)
    settle(state, changes_of(state))
    tracemalloc.start()
    size = sum(map(len, snapshot_of(state).chunks))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < size / 5


@pytest.mark.parametrize("body", [[{}, {}], [{}, {}, 1], [{}, {}, FORMAT + 1]])
def test_state_of_another_version_is_refused_and_said_so(body: list[object]) -> None:
    delta = Delta(0, 0, msgspec.msgpack.encode(body))
    with pytest.raises(StateDamaged, match="written by another version"):
        loaded([delta])


def test_a_large_state_is_cut_into_several_chunks_and_comes_back_whole() -> None:
    state = empty()
    for number in range(40):
        state.tables["texts"].put(f"key {number}", "x" * 40_000)
    state.applied = 0
    changed = changes_of(state)
    settle(state, changed)
    snapshot = snapshot_of(state)
    assert sum(1 for _ in snapshot.chunks) > 3
    assert list(snapshot.chunks) == list(snapshot.chunks)
    assert dict(loaded([], snapshot).tables["texts"].items()) == dict(state.tables["texts"].items())
