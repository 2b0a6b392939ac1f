"""Migrations are applied in order, each once."""

from collections.abc import Iterator

import pytest

import sql
from pipeline.errors import WarehouseRefused
from pipeline.warehouse import migrate as migrations
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.migrate import migrate, names

_LANDED: dict[str, str] = {}


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Further migrations by name, beside those of the product. They stay: so does the warehouse."""
    extra = _LANDED
    real = sql.load
    product = names()
    monkeypatch.setattr(migrations, "names", lambda: [*product, *sorted(extra)])
    monkeypatch.setattr(
        sql, "load", lambda name: extra.get(name.removeprefix("migrations/")) or real(name)
    )
    yield extra


def test_every_migration_is_numbered_in_a_row() -> None:
    assert [int(name[:4]) for name in names()] == list(range(1, len(names()) + 1))


def test_what_is_missing_is_applied_once(warehouse: Warehouse, texts: dict[str, str]) -> None:
    texts["9001_a"] = "CREATE TABLE a (x Int8) ENGINE = Memory;\nINSERT INTO a VALUES (1);\n"
    texts["9002_b"] = "INSERT INTO a VALUES (2);\n"
    assert migrate(warehouse) == ["9001_a", "9002_b"]
    assert migrate(warehouse) == []
    assert warehouse.query("SELECT sum(x) FROM a").rows == [(3,)]


def test_a_changed_text_is_refused(warehouse: Warehouse, texts: dict[str, str]) -> None:
    texts["9003_c"] = "CREATE TABLE c (x Int8) ENGINE = Memory;\n"
    migrate(warehouse)
    texts["9003_c"] += "-- changed\n"
    with pytest.raises(WarehouseRefused, match="another version of Footfall: its 9003_c differs"):
        migrate(warehouse)
    texts["9003_c"] = texts["9003_c"].removesuffix("-- changed\n")


def test_a_warehouse_of_a_later_version_is_refused(
    warehouse: Warehouse, texts: dict[str, str]
) -> None:
    texts["9009_z"] = "SELECT 1;\n"
    migrate(warehouse)
    del texts["9009_z"]
    with pytest.raises(WarehouseRefused, match="does not know 9009_z"):
        migrate(warehouse)
    texts["9009_z"] = "SELECT 1;\n"


def test_a_migration_cut_short_is_completed(warehouse: Warehouse, texts: dict[str, str]) -> None:
    texts["9004_d"] = "CREATE TABLE IF NOT EXISTS d (x Int8) ENGINE = Memory;\nNONSENSE;\n"
    with pytest.raises(WarehouseRefused):
        migrate(warehouse)
    texts["9004_d"] = texts["9004_d"].replace("NONSENSE", "INSERT INTO d VALUES (1)")
    assert migrate(warehouse) == ["9004_d"]


@pytest.mark.parametrize("name", names())
def test_every_statement_may_be_run_again(warehouse: Warehouse, name: str) -> None:
    for statement in sql.statements(sql.load(f"migrations/{name}")):
        warehouse.execute(statement)


def test_statements_end_with_a_semicolon_at_the_end_of_a_line() -> None:
    text = "-- one; two\nSELECT ';', 1;\n\n-- only a comment\n"
    assert list(sql.statements(text)) == ["-- one; two\nSELECT ';', 1"]
