"""What a warehouse had, kept outside of it: tables and whole parts, to be compared at the next start.

Merges replace parts by others that hold the same blocks; nothing else may take one away, but for a
part without rows. So what is missing was lost, whichever table it is of and however it was lost.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from pipeline.errors import StateDamaged
from pipeline.warehouse.parts import Blocks, Part, blocks_of, holds

PUT_BACK: Final = "Put it back from a copy, or run `footfall rebuild`."


class Lost(NamedTuple):
    """A part that was whole and is gone."""

    table: str
    name: str
    rows: int


class Inventory(Struct):
    """`uuid` tells the warehouse, `schema` is a digest by table, `parts` are rows by table and part."""

    uuid: str
    schema: dict[str, str]
    parts: dict[str, dict[str, int]]

    def encode(self) -> str:
        """As text."""
        return msgspec.json.encode(self).decode()


def decode_inventory(text: str) -> Inventory | None:
    """What `encode` gave; none where there is no text. Raises StateDamaged."""
    try:
        return msgspec.json.decode(text, type=Inventory) if text else None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateDamaged(
            f"work.db's list of the warehouse's parts cannot be read: {error}."
        ) from error


def inventory_of(uuid: str, schema: dict[str, str], complete_parts: Iterable[Part]) -> Inventory:
    """Of what is there now; `complete_parts` are active parts with all their files."""
    parts: dict[str, dict[str, int]] = {}
    for part in complete_parts:
        parts.setdefault(part.table, {})[part.name] = part.rows
    return Inventory(uuid, schema, parts)


def lost(before: Inventory, parts: Sequence[Part]) -> list[Lost]:
    """Parts of `before` that have rows which no active part has now."""
    blocks_by_table: dict[str, list[Blocks]] = defaultdict(list)
    for part in parts:
        if part.active and (blocks := blocks_of(part.name)):
            blocks_by_table[part.table].append(blocks)
    return [
        Lost(table, name, rows)
        for table, rows_by_name in sorted(before.parts.items())
        for name, rows in sorted(rows_by_name.items())
        if rows and (blocks := blocks_of(name)) and not holds(blocks_by_table[table], blocks)
    ]


def check_schema(before: Inventory, schema: dict[str, str], warehouse: str) -> None:
    """Raise StateDamaged where tables are gone, or are not what they were."""
    if not any(name in schema for name in before.schema):
        raise StateDamaged(
            f"The warehouse {warehouse} is empty, but work.db has what was stored there. {PUT_BACK}"
        )
    for name, digest in sorted(before.schema.items()):
        if name not in schema:
            raise StateDamaged(
                f"The table {name} of the warehouse {warehouse} is missing. {PUT_BACK}"
            )
        if schema[name] != digest:
            raise StateDamaged(
                f"The table {name} of the warehouse {warehouse} is not as it was: the file that describes "
                f"it was changed. {PUT_BACK}"
            )
