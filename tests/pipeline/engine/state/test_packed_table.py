"""A packed table holds what a dict would hold, in little more than its bytes."""

import random
import sys

from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.state.packed_table import PackedTable

KEYS = st.text("ab\n\u00e9\u4e2d", max_size=3)
VALUES = st.one_of(st.binary(max_size=12), KEYS.map(str.encode))


@given(st.lists(st.tuples(KEYS, st.none() | VALUES), max_size=300))
def test_it_holds_what_a_dict_would_hold(steps: list[tuple[str, bytes | None]]) -> None:
    table, model = PackedTable(), dict[str, bytes]()
    for key, value in steps:
        if value is None:
            assert table.pop(key) == model.pop(key, None)
        else:
            assert table.put(key, value) == model.get(key)
            model[key] = value
        assert table.value(key) == model.get(key)
        assert len(table) == len(model)
    assert dict(table.items()) == dict(table) == model
    assert sorted(table) == sorted(model)


def test_it_grows_and_shrinks_by_thousands_and_loses_none() -> None:
    dice, table, model = random.Random(1), PackedTable(), dict[str, bytes]()
    for limit in (5_000, 10, 3_000):
        while len(model) < limit:
            key = f"device-{dice.randrange(10**6)}"
            model[key] = dice.randbytes(dice.randrange(40))
            table.put(key, model[key])
        for key in sorted(model)[limit // 100 :]:
            assert table.pop(key) == model.pop(key)
        assert dict(table.items()) == model
    assert all(table.value(key) == value for key, value in model.items())


def test_a_hundred_thousand_take_a_tenth_more_than_their_bytes() -> None:
    table = PackedTable()
    contents = 0
    for number in range(100_000):
        key, value = f"shop\n{number:032x}", bytes(300)
        table.put(key, value)
        contents += len(key) + len(value)
    buckets = table._buckets
    assert sys.getsizeof(buckets) + sum(map(sys.getsizeof, buckets)) < 1.1 * contents
