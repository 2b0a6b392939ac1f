"""Rows as stages emit them, with only what a test is about spelled out."""

from time import monotonic, sleep
from typing import Any

from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.sink import Sink
from schemas.rows import Row, columns_of

NOON = 1_700_049_600_000
"""2023-11-15 12:00 UTC, in ms."""
MINUTE = 60_000
HOUR = 60 * MINUTE

_DEFAULTS: dict[str, Any] = {
    "type": "page",
    "time": NOON,
    "corrected_time": NOON,
    "received_at": NOON,
    "start": NOON,
    "end": NOON,
    "decided_at": NOON,
    "opt_out": False,
    "next": (),
    "forward": None,
    "events": 1,
    "pages": 1,
    "version": 1,
    "deleted": 0,
    "properties": b"{}",
    "traits": b"{}",
    "share": 1.0,
}


def row(table: type[Row], **values: Any) -> Row:
    """A row of a table: values, where there is none a default, else an empty text."""
    defaults = {name: _DEFAULTS.get(name, "") for name in columns_of(table)}
    return table(**(defaults | values))


def store(warehouse: Warehouse, table: type[Row], *rows: Row, offset: int = 0) -> None:
    """Insert rows through the sink, as if record `offset` had made them."""
    sink = Sink(warehouse, "log")
    sink.write("topic", 0, {table: [(row, offset, index) for index, row in enumerate(rows)]})
    sink.close()


def until_readable(warehouse: Warehouse, table: str) -> None:
    """Wait until those who ask from outside see all of a table's rows: a second, or little more."""
    count = f"SELECT count() FROM {table}"
    ((stored,),) = warehouse.query(count).rows
    deadline = monotonic() + 5
    while int(warehouse.raw(count, "TSVRaw")) != stored:
        assert monotonic() < deadline, f"{stored} rows of {table} are not read"
        sleep(0.05)
