"""Values bound to `{name:Type}`: the engine parses them from text, so text has to be escaped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.errors import WarehouseRefused
from pipeline.warehouse.contract import Params

_ESCAPES: Final = str.maketrans(
    {
        "\\": "\\\\",
        "\t": "\\t",
        "\n": "\\n",
        "\r": "\\r",
        "\0": "\\0",
        "\b": "\\b",
        "\f": "\\f",
        "'": "\\'",
    }
)


def text_of(value: Any) -> str:
    """A parameter as the engine reads it: ClickHouse's Escaped (TabSeparated) form.

    Takes str, bool, int, float, datetime (aware) and lists or tuples of these (for Array types).
    Raises WarehouseRefused for anything else. Times in ms are bound as Int64 and converted in SQL,
    `fromUnixTimestamp64Milli({since:Int64}, 'UTC')`: the engine reads an int that is given for a
    DateTime64 by its number of digits.
    """
    if isinstance(value, list | tuple):
        return _array(value)
    return value.translate(_ESCAPES) if isinstance(value, str) else _number(value)


def for_driver(params: Params) -> dict[str, Any]:
    """Parameters for clickhouse-driver, which escapes str, int, float and lists of them itself."""
    return {name: _plain(value) for name, value in params.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return text_of(value) if isinstance(value, bool | datetime) else value


def _array(values: Sequence[Any]) -> str:
    return "[" + ",".join(_element(value) for value in values) + "]"


def _element(value: Any) -> str:
    if isinstance(value, list | tuple):
        return _array(value)
    if isinstance(value, str | datetime):
        return f"'{text_of(value)}'"
    return _number(value)


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    raise WarehouseRefused(f"a query parameter cannot be a {type(value).__name__}")
