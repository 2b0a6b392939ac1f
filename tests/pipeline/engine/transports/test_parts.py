"""Bodies survive being cut, whatever else is written between their parts."""

from collections.abc import Iterator
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.transports import parts
from schemas.topics import MAX_RECORD_BYTES


@pytest.fixture(autouse=True, scope="module")
def small_bodies() -> Iterator[None]:
    """Cut often."""
    patch = pytest.MonkeyPatch()
    patch.setattr(parts, "BODY_BYTES", 5)
    yield
    patch.undo()


BODIES = st.lists(st.binary(max_size=23), max_size=5)


def collect(pieces: list[bytes]) -> list[parts.PartGroup]:
    collector = parts.Collector()
    return [whole for whole in map(collector.add, pieces) if whole is not None]


@given(BODIES)
def test_bodies_come_back_as_they_were(bodies: list[bytes]) -> None:
    pieces = list(parts.split(9, bodies, lo=4))
    assert collect(pieces) == [parts.PartGroup(4, 9, bodies or [b""])]
    assert {parts.applied_of(piece) for piece in pieces} == {9}


@given(BODIES, BODIES)
def test_writers_may_interleave(one: list[bytes], other: list[bytes]) -> None:
    both = zip_longest(parts.split(1, one), parts.split(2, other))
    pieces = [piece for pair in both for piece in pair if piece is not None]
    found = {whole.applied: whole.bodies for whole in collect(pieces)}
    assert found == {1: one or [b""], 2: other or [b""]}


@given(st.binary(min_size=11, max_size=40), st.data())
def test_a_whole_with_a_part_missing_does_not_exist(body: bytes, data: st.DataObject) -> None:
    pieces = list(parts.split(1, [body]))
    del pieces[data.draw(st.integers(0, len(pieces) - 1))]
    assert collect([*pieces, *parts.split(2, [b"next"])]) == [parts.PartGroup(0, 2, [b"next"])]


def test_no_part_is_larger_than_a_record_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "BODY_BYTES", MAX_RECORD_BYTES - 40)
    sizes = [len(piece) for piece in parts.split(1, [bytes(3_000_000)])]
    assert max(sizes) == MAX_RECORD_BYTES
    assert len(sizes) == 4
