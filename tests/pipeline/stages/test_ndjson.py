"""A record's lines are decoded at once, or line by line, to the same values."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.ndjson import decode_lines

DECODER = msgspec.json.Decoder(int)
BAD_LINES = (b"{", b'"1"', b"\xff\xfe", b"1.5")


def numbers_and_lines(value: bytes) -> list[int | tuple[int, bytes]]:
    """Decoded values; (number, line) for each that cannot be read."""
    return decode_lines(DECODER, value, lambda number, line, error: (number, line))


@pytest.mark.parametrize("value", [b"", b"\n", b"\n \n\t\n"])
def test_blank_lines_are_no_values(value: bytes) -> None:
    assert numbers_and_lines(value) == []


@pytest.mark.parametrize("bad", BAD_LINES)
def test_an_unreadable_line_is_replaced_in_its_position(bad: bytes) -> None:
    assert numbers_and_lines(b"1\n\n" + bad + b"\n2\n") == [1, (2, bad), 2]


def test_two_values_on_a_line_are_two_values_unless_another_line_is_unreadable() -> None:
    """What msgspec makes of it; no writer of ours writes it."""
    assert numbers_and_lines(b"1 2\n3") == [1, 2, 3]
    assert numbers_and_lines(b"1 2\n{") == [(0, b"1 2"), (1, b"{")]


def test_nothing_stands_for_an_unreadable_line_where_the_substitute_is_none() -> None:
    errors: list[Exception] = []
    assert decode_lines(DECODER, b"1\n{\n2", lambda _, __, error: errors.append(error)) == [1, 2]
    assert len(errors) == 1


@given(st.lists(st.one_of(st.integers(-9, 9).map(lambda n: b"%d" % n), st.just(b""))))
def test_a_bad_last_line_changes_none_before_it(lines: list[bytes]) -> None:
    good = numbers_and_lines(b"\n".join(lines))
    assert numbers_and_lines(b"\n".join([*lines, b"{"])) == [*good, (len(lines), b"{")]
