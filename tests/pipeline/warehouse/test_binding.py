"""Parameters as text. That the engine reads them back: tests/conformance."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pipeline.errors import WarehouseRefused
from pipeline.warehouse.binding import for_driver, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("a\tb\nc\\d'e", "a\\tb\\nc\\\\d\\'e"),
        (True, "true"),
        (-5, "-5"),
        (0.1, "0.1"),
        (["a'", "b"], "['a\\'','b']"),
        ((1, 2), "[1,2]"),
        ([["a"], []], "[['a'],[]]"),
        (datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC), "2026-01-02 03:04:05.678"),
        (datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=1))), "2026-01-01 23:00:00.000"),
    ],
)
def test_a_value_becomes_the_text_the_engine_reads(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [None, {"a": 1}, object(), [None]])
def test_what_has_no_text_is_refused(value: object) -> None:
    with pytest.raises(WarehouseRefused):
        text_of(value)


def test_the_driver_gets_text_only_for_what_it_would_write_otherwise() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    params = for_driver({"a": "x'", "b": (1, 2), "c": False, "d": noon})
    assert params == {"a": "x'", "b": [1, 2], "c": "false", "d": "2026-01-01 12:00:00.000"}
