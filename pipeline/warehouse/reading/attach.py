"""The worker's tables, views and functions as the reader makes them for itself.

A table is attached by the place of its data, on a disk that cannot be written to; the engine looks
for new parts three times a second. What merges leave stays for 90 seconds, so that reads go on.
"""

import uuid
from collections.abc import Iterator
from typing import Final

from pipeline.errors import WarehouseUnavailable
from pipeline.warehouse.contract import Rows

OBJECTS: Final = "reading/objects"
FUNCTIONS: Final = "reading/functions"
REFRESH_SECONDS: Final = 0.3
_NAMESPACE: Final = uuid.UUID("7b0f5bd9-6b6b-4f0e-9b52-3f7b1f1d5c11")


def statements(functions: Rows, objects: Rows) -> Iterator[str]:
    """What the reader runs, in order. Arguments: answers to FUNCTIONS and OBJECTS."""
    for (create,) in functions.rows:
        yield create
    for name, create, paths in objects.rows:
        yield _attach(name, create, paths[0]) if paths else create


def _attach(name: str, create: str, path: str) -> str:
    begin, columns, after_columns = create.partition(" (")
    definition, settings, settings_sql = after_columns.rpartition(" SETTINGS ")
    if not (begin.startswith("CREATE TABLE ") and columns and settings):
        raise WarehouseUnavailable(f"the table {name} cannot be attached for reading")
    return (
        f"ATTACH TABLE `{name}` UUID '{uuid.uuid5(_NAMESPACE, name)}' ({definition} SETTINGS {settings_sql}, "
        "table_disk = 1, disk = disk(type = object_storage, object_storage_type = local_blob_storage, "
        f"metadata_type = plain, path = {_quote(path)}, readonly = 1), "
        f"refresh_parts_interval = {REFRESH_SECONDS}"
    )


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
