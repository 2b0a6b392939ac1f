"""Parts: the files that a table is made of, and whether they are all there.

A part's name says which inserts (blocks) it holds: partition_first_last_level, and the mutation.
"""

import os
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import sql
from pipeline.warehouse.contract import Warehouse

_NAME: Final = re.compile(r"(?:.*_)?(all|\d{6})_(\d+)_(\d+)_\d+(?:_\d+)?(?:_try\d+)?")
_UNCOUNTED_FILES: Final = frozenset(
    {
        "checksums.txt",
        "columns.txt",
        "columns_substreams.txt",
        "default_compression_codec.txt",
        "metadata_version.txt",
        "uuid.txt",
    }
)
"""Files whose sizes are not in the engine's `bytes_on_disk`."""


class Blocks(NamedTuple):
    """Which blocks of a partition a part holds."""

    partition: str
    first: int
    last: int


class Part(NamedTuple):
    """A part as the engine has it in mind. `active`: no merge has replaced it."""

    table: str
    name: str
    rows: int
    size_bytes: int
    active: bool
    path: str


def parts_of(warehouse: Warehouse) -> list[Part]:
    """All parts of all tables."""
    rows = warehouse.query(sql.load("warehouse/parts")).rows
    return [
        Part(table, name, int(rows), int(size), bool(active), path)
        for table, name, rows, size, active, path in rows
    ]


def fresh_parts(warehouse: Warehouse, table: str) -> list[Part]:
    """Active parts of one table that were made within the last five minutes."""
    rows = warehouse.query(sql.load("warehouse/parts_fresh"), {"table": table}).rows
    return [
        Part(name, part, int(count), int(size), bool(active), path)
        for name, part, count, size, active, path in rows
    ]


def blocks_of(name: str) -> Blocks | None:
    """What a part's name says, also of one put aside (`broken-on-start_all_1_9_2`)."""
    match = _NAME.fullmatch(name)
    return match and Blocks(match[1], int(match[2]), int(match[3]))


def within(part: Blocks, container: Blocks) -> bool:
    """Whether all of `part`'s blocks can be in `container`."""
    return (
        part.partition == container.partition
        and container.first <= part.first
        and part.last <= container.last
    )


def holds(parts: Iterable[Blocks], needed: Blocks) -> bool:
    """Whether parts have every block of `needed` together."""
    next_block = needed.first
    for part in sorted(part for part in parts if part.partition == needed.partition):
        if part.first > next_block:
            break
        next_block = max(next_block, part.last + 1)
    return next_block > needed.last


def is_short(part: Part) -> bool:
    """Whether files of a part are not what the engine has written, by its own count of bytes.

    A part that is gone meanwhile is short too.
    """
    try:
        sizes = {entry.name: entry.stat().st_size for entry in os.scandir(part.path)}
    except OSError:
        return True
    total = sum(size_bytes for name, size_bytes in sizes.items() if name not in _UNCOUNTED_FILES)
    return total != part.size_bytes or not all(sizes.get(name, 1) for name in _UNCOUNTED_FILES)


def short_parts(warehouse: Warehouse, candidates: Sequence[Part]) -> list[Part]:
    """Those of `candidates` that are short and still active, where the engine's files are ours to see."""
    if not any(map(is_short, candidates)):
        return []
    active = {(part.table, part.name) for part in parts_of(warehouse) if part.active}
    return [part for part in candidates if (part.table, part.name) in active and is_short(part)]
