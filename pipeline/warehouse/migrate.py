"""Numbered migrations: `sql/migrations/NNNN_name.sql`, applied in order, once, never edited."""

from hashlib import sha256
from importlib.resources import files

import sql
from pipeline.errors import WarehouseRefused
from pipeline.warehouse.contract import Warehouse


def names() -> list[str]:
    """Every migration's name, in order."""
    folder = files("sql").joinpath("migrations")
    return sorted(
        entry.name.removesuffix(".sql") for entry in folder.iterdir() if entry.name.endswith(".sql")
    )


def migrate(warehouse: Warehouse) -> list[str]:
    """Apply what is missing and return its names.

    ClickHouse has no transactions for DDL: after a crash in the middle of a migration its first
    statements meet what they made before, so every statement says IF NOT EXISTS or OR REPLACE.
    Raises WarehouseRefused where a migration that was applied has another text now.
    """
    ((there,),) = warehouse.query("EXISTS TABLE migrations").rows
    if not there:  # to say CREATE … IF NOT EXISTS always would be to need room on the disk always
        warehouse.execute(sql.load("warehouse/migrations_table"))
    landed = dict(warehouse.query(sql.load("warehouse/migrations")).rows)
    missing = []
    for name in names():
        text = sql.load(f"migrations/{name}")
        digest = sha256(text.encode()).hexdigest()
        if name not in landed:
            _apply(warehouse, name, text, digest)
            missing.append(name)
        elif landed[name] != digest:
            raise WarehouseRefused(
                f"sql/migrations/{name}.sql was changed after it was applied to this warehouse; "
                "restore its text and put the change into a new migration"
            )
    return missing


def _apply(warehouse: Warehouse, name: str, text: str, digest: str) -> None:
    for statement in sql.statements(text):
        warehouse.execute(statement)
    warehouse.insert("migrations", ("name", "digest"), ([name], [digest]))
