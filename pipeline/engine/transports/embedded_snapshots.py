"""A snapshot in work.db: chunks in rows, the last of which says how many there are."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from pipeline.engine.transports.embedded_file import damage_error, using
from pipeline.errors import LogDamaged
from schemas.logfile import checksum


def with_last(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each chunk, and whether it is the last; one is looked ahead, none kept."""
    each = iter(chunks)
    before = next(each)
    for chunk in each:
        yield before, False
        before = chunk
    yield before, True


class StoredChunks:
    """A snapshot's chunks, read and checked one after another. Raises LogDamaged."""

    def __init__(self, path: Path, work: sqlite3.Connection, key: tuple[str, int, int]) -> None:
        self._path, self._work, self._key = path, work, key

    def __iter__(self) -> Iterator[bytes]:
        complete = False
        with using(self._path, "read"), closing(self._rows()) as rows:
            for index, (chunk, chunks, stored_checksum, body) in enumerate(rows):
                right = checksum((*self._key, chunk, chunks), body) == stored_checksum
                if not right or complete or chunk != index or chunks not in (0, index + 1):
                    raise self._damage()
                complete = bool(chunks)
                yield body
        if not complete:
            raise self._damage()

    def _rows(self) -> sqlite3.Cursor:
        return self._work.execute(
            "SELECT chunk, chunks, checksum, body FROM snapshots "
            "WHERE stage = ? AND partition = ? AND applied = ? ORDER BY chunk",
            self._key,
        )

    def _damage(self) -> LogDamaged:
        stage, partition, _ = self._key
        return damage_error(self._path, f"the snapshot of {stage}/{partition} is not whole")
