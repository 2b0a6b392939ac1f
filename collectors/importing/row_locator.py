"""Where in a file a row stands, for people who look for it there.

Arrow tells no lines. The file is read a second time for them, once something was refused.
"""

import csv
import gzip
from array import array
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from collectors.importing.mapping import Mapping

_PARQUET: Final = (".parquet", ".pq")


class _Lines(NamedTuple):
    """The first line of every row, and of every row that has too few or too many columns."""

    rows: "array[int]"
    unreadable: "array[int]"


class Places:
    """Places of one file's rows. A row is known by its number from 1, an unreadable one from -1."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self._path = path
        name = path.name.lower().removesuffix(".gz")
        self._is_log, self._is_csv = mapping.kind == "access_log", name.endswith(".csv")
        self._is_binary = name.endswith(_PARQUET) and not self._is_log

    def __call__(self, row: int) -> str:
        """`orders.csv line 12`, or `orders.parquet row 12`. Rows of an access log are its lines."""
        line = abs(row) if self._is_log else self._line(row)
        return f"{self._path.name} line {line}" if line else f"{self._path.name} row {abs(row)}"

    def _line(self, row: int) -> int | None:
        if self._is_binary:
            return None
        lines = self._lines.rows if row > 0 else self._lines.unreadable
        return lines[abs(row) - 1] if abs(row) <= len(lines) else None

    @cached_property
    def _lines(self) -> _Lines:
        matches = _Lines(array("Q"), array("Q"))
        try:
            with _text(self._path) as file:
                for line, readable in _csv_rows(file) if self._is_csv else _json_rows(file):
                    (matches.rows if readable else matches.unreadable).append(line)
        except csv.Error:  # a cell that is too large for Python's reader, though not for Arrow's
            return matches
        return matches


def _text(path: Path) -> TextIO:
    with path.open("rb") as probe:
        zipped = probe.read(2) == b"\x1f\x8b"
    stream = gzip.open if zipped else open
    return stream(path, "rt", encoding="utf-8", errors="replace", newline="")


def _csv_rows(file: TextIO) -> Iterator[tuple[int, bool]]:
    """Cells may hold ends of lines; empty lines are no rows; the first row names the columns."""
    reader = csv.reader(file)
    columns, before = 0, 0
    for cells in reader:
        line, before = before + 1, reader.line_num
        if columns and cells:
            yield line, len(cells) == columns
        columns = columns or len(cells)


def _json_rows(file: TextIO) -> Iterator[tuple[int, bool]]:
    return ((number, True) for number, line in enumerate(file, 1) if line.strip())
