"""A record's lines as values: all at once, or line by line where one of them cannot be read."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")
U = TypeVar("U")


def decode_lines(
    decoder: "msgspec.json.Decoder[T]",
    value: bytes,
    unreadable: Callable[[int, bytes, Exception], U | None],
) -> list[T | U]:
    """The values of a record's lines in their order; blank lines are skipped.

    A line that cannot be read is replaced by what `unreadable` returns for its number (from 0), its
    bytes and the error; None leaves it out. Lines have one value each: a line of two is read as two
    where all lines can be read, and is unreadable where one cannot.
    """
    try:
        return [*decoder.decode_lines(value)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        values: list[T | U] = []
        for number, line in enumerate(value.split(b"\n")):
            if not line.strip():
                continue
            try:
                values.append(decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if (substitute := unreadable(number, line, error)) is not None:
                    values.append(substitute)
        return values
