"""What a file is taken apart into, whatever its format."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

Row = dict[str, Any]


class Unit(NamedTuple):
    """What becomes one event: the columns of a row, or of an order and of its lines.

    `row` holds our fields, and properties under `PROPERTY` and their own names; `lines` is how
    many lines of the file it is. Of an order, the fields in `LINE` are lists of that length. An
    empty row becomes nothing: its lines are only counted. `rows` are the file's rows that it was
    made of, for `places.Places`.
    """

    row: Row
    lines: int
    rows: Sequence[int]


class Unreadable(NamedTuple):
    """A line that is no row. `row` is for `places.Places`, below 0."""

    text: str
    row: int


class Table(NamedTuple):
    """A file's rows, and the lines of it that are not even rows."""

    units: Iterator[Unit]
    unreadable: list[Unreadable]
