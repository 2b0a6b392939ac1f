"""A warehouse's tables as FINAL reads them: rows by their columns alone, whatever their source."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sql
from pipeline.warehouse.migrate import names
from schemas.rows import BY_NAME, columns_of

_TABLE: Final = re.compile(
    r"CREATE TABLE IF NOT EXISTS (\w+)\n(?:(?!CREATE).)*?ORDER BY ([^\n]*)\n", re.DOTALL
)


def _keys() -> dict[str, list[str]]:
    texts = (sql.load(f"migrations/{name}") for name in names())
    keys = {name: key for text in texts for name, key in _TABLE.findall(text)}
    return {
        name: [word for word in re.findall(r"\w+", keys[name]) if word in _columns(name)]
        for name in BY_NAME
    }


def _columns(name: str) -> tuple[str, ...]:
    return (*columns_of(BY_NAME[name]), "log_id", "topic", "partition", "offset")


def final(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, set[tuple[Any, ...]]]:
    """Of rows in memory: each table's rows that hold, without version and source."""
    keys = _keys()
    return {name: _final(rows.get(name, ()), keys[name], name) for name in BY_NAME}


def _final(
    rows: Sequence[Mapping[str, Any]], key: Sequence[str], name: str
) -> set[tuple[Any, ...]]:
    newest = dict[tuple[Any, ...], Mapping[str, Any]]()
    for row in sorted(rows, key=lambda row: row.get("version", 0)):
        newest[tuple(row[column] for column in key)] = row
    shown = [column for column in columns_of(BY_NAME[name]) if column not in ("version", "deleted")]
    return {
        tuple(_fixed(row[column]) for column in shown)
        for row in newest.values()
        if not row.get("deleted")
    }


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
