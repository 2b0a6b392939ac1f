"""Keyed values: what the last durable delta holds, and what changed since."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.state import keyed
from pipeline.engine.state.keyed import Keyed, State
from pipeline.engine.state.settled_values import DICT_ENTRY_BYTES, PACKED_ENTRY_BYTES


def filled() -> Keyed[list[int]]:
    table: Keyed[list[int]] = Keyed(list[int])
    table.put("a", [1])
    table.put("b", [2])
    table.settle(table.changes())
    return table


def test_a_value_put_is_read_back_and_is_in_the_next_changes() -> None:
    table: Keyed[list[int]] = Keyed(list[int])
    table.put("a", [1, 2])
    assert table.get("a") == [1, 2]
    assert list(table.changes()) == ["a"]


def test_nothing_is_changed_after_changes_are_settled() -> None:
    table = filled()
    assert table.changes() == {}
    assert table.get("a") == [1]


def test_a_deleted_key_is_gone_at_once_and_none_in_the_changes() -> None:
    table = filled()
    table.delete("a")
    assert table.get("a") is None
    assert table.changes() == {"a": None}
    table.settle(table.changes())
    assert "a" not in table.encoded()


def test_a_key_deleted_and_put_again_before_settling_is_there() -> None:
    table = filled()
    table.delete("a")
    table.put("a", [9])
    table.settle(table.changes())
    assert table.get("a") == [9]


def test_items_come_in_key_order_whatever_the_order_of_putting() -> None:
    table: Keyed[int] = Keyed(int)
    for key in ("c", "a", "b"):
        table.put(key, 1)
    assert [key for key, _ in table.items()] == ["a", "b", "c"]


def test_a_fresh_state_adopts_what_was_settled_and_not_what_was_only_put() -> None:
    old, fresh = State(table=filled()), State(table=Keyed(list[int]))
    old.tables["table"].put("a", [7])
    fresh.adopt(old)
    assert fresh.tables["table"].get("a") == [1]


def test_each_sees_what_was_put_and_not_what_was_deleted_since() -> None:
    table = filled()
    table.put("c", [3])
    table.put("a", [7])
    table.delete("b")
    assert dict(table.each()) == dict(table.items()) == {"a": [7], "c": [3]}


def test_its_length_does_not_depend_on_what_is_settled() -> None:
    table: Keyed[int] = Keyed(int)
    for key in "abc":
        table.put(key, 1)
    table.settle(table.changes())
    table.delete("a")
    table.put("b", 2)
    table.put("d", 1)
    table.put("e", 1)
    table.delete("e")
    assert len(table) == 3
    table.settle(table.changes())
    assert len(table) == 3


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("put", "put", "delete", "settle", "size", "load")),
            st.sampled_from("abcd"),
            st.integers(0, 2**40),
        )
    )
)
def test_its_size_is_that_of_what_it_holds_whenever_it_is_asked_for(
    steps: list[tuple[str, str, int]],
) -> None:
    table, model = Keyed(int), dict[str, int]()
    for what, key, value in steps:
        if what == "put":
            table.put(key, value)
            model[key] = value
        elif what == "delete":
            table.delete(key)
            model.pop(key, None)
        elif what == "settle":
            table.settle(table.changes())
        elif what == "load":
            table.settle(table.changes())
            fresh = Keyed(int)
            fresh.load(table.encoded())
            table = fresh
        else:
            sizes = (len(key) + len(msgspec.msgpack.encode(n)) for key, n in model.items())
            assert table.size() == sum(sizes) + DICT_ENTRY_BYTES * len(model)


def test_a_value_that_was_changed_and_put_is_read_as_it_was_put(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keyed, "LIVE_LIMIT", 0)
    table = filled()
    for count in range(2, 6):
        value = table.get("a")
        assert value is not None
        value.append(count)
        table.put("a", value)
        assert table.get("a") == list(range(1, count + 1))
        table.settle(table.changes())
    assert table.get("b") == [2]


def _is_small(encoded: bytes) -> bool:
    return len(encoded) == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("put", "put", "get", "delete", "settle", "take over", "load")),
            st.sampled_from("abcdefghijkl"),
            st.integers(0, 300),
        )
    )
)
def test_which_values_are_packed_or_kept_decoded_changes_no_answer(
    steps: list[tuple[str, str, int]],
) -> None:
    model = dict[str, int]()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(keyed, "LIVE_LIMIT", 1)
        table = Keyed(int, _is_small)
        for what, key, value in steps:
            if what == "put":
                table.put(key, value)
                model[key] = value
            elif what == "delete":
                table.delete(key)
                model.pop(key, None)
            elif what == "get":
                assert table.get(key) == model.get(key)
            elif what == "settle":
                table.settle(table.changes())
            else:
                table.settle(table.changes())
                fresh = Keyed(int, _is_small)
                if what == "load":
                    fresh.load(table.encoded())
                else:
                    fresh.take_over(table)
                table = fresh
            assert len(table) == len(model)
        assert dict(table.items()) == dict(table.each()) == model
        encoded = {name: msgspec.msgpack.encode(number) for name, number in model.items()}
        assert table.size() == sum(
            len(name)
            + len(number)
            + (PACKED_ENTRY_BYTES if _is_small(number) else DICT_ENTRY_BYTES)
            for name, number in encoded.items()
        )
        table.settle(table.changes())
        assert dict(table.encoded()) == encoded
