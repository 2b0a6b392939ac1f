"""What Footfall asks of a warehouse. `tests/conformance/test_warehouses.py` holds both to it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

Params = Mapping[str, Any]


class Rows(NamedTuple):
    """A query's answer. `types` are ClickHouse type names."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as dicts by column name."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


class Warehouse(Protocol):
    """A ClickHouse. All methods block; call them from a thread. One instance serves many threads.

    Raises WarehouseUnavailable where trying again may help (network, overload, memory), and
    WarehouseRefused where it will not (bad SQL, bad data).
    """

    def insert(self, table: str, columns: Sequence[str], data: Sequence[Sequence[Any]]) -> None:
        """Insert columns (each a list or tuple of equal length). Durable on return.

        DateTime64 columns take ints (ms since 1970, as their scale 3 says), Decimal columns
        Decimals, arrays lists, nullable columns None, the rest their natural Python types.
        """

    def query(self, sql: str, params: Params | None = None) -> Rows:
        """Run a query; `{name:Type}` in it is bound to `params[name]` by the engine itself.

        Answers hold aware datetimes for DateTime64, Decimals, lists; text that is not UTF-8 is
        bytes. Times are bound as datetimes, or as Int64 with fromUnixTimestamp64Milli in the SQL.
        """

    def execute(self, sql: str, params: Params | None = None) -> None:
        """Run a statement that answers nothing (DDL, INSERT … SELECT)."""

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        """A read-only query's answer in a ClickHouse format such as Native or JSONCompact."""

    def prepare(self) -> None:
        """Return when `raw` can be asked without delay. Raises WarehouseUnavailable."""

    def close(self) -> None:
        """Release connections and locks."""
