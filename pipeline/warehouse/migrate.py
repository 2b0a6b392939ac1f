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
    Raises WarehouseRefused where another version made the warehouse: a migration that was applied has
    another text, or none, here.
    """
    ((exists,),) = warehouse.query("EXISTS TABLE migrations").rows
    if not exists:  # to say CREATE … IF NOT EXISTS always would be to need room on the disk always
        warehouse.execute(sql.load("warehouse/migrations_table"))
    applied = dict(warehouse.query(sql.load("warehouse/migrations")).rows)
    if unknown := sorted(applied.keys() - set(names())):
        raise WarehouseRefused(
            f"The warehouse was made by a later version of Footfall: this one does not know {unknown[0]}. "
            "Update Footfall."
        )
    missing = []
    for name in names():
        text = sql.load(f"migrations/{name}")
        digest = sha256(text.encode()).hexdigest()
        if name not in applied:
            _apply(warehouse, name, text, digest)
            missing.append(name)
        elif applied[name] != digest:
            raise WarehouseRefused(
                f"The warehouse was made by another version of Footfall: its {name} differs from this "
                "version's. Use that version, or begin with log, state and warehouse in new folders. (Who "
                "changes Footfall: a migration that was applied is not edited; write a new one.)"
            )
    return missing


def _apply(warehouse: Warehouse, name: str, text: str, digest: str) -> None:
    for statement in sql.statements(text):
        warehouse.execute(statement)
    warehouse.insert("migrations", ("name", "digest"), ([name], [digest]))
