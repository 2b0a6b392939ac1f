"""How far an import got, kept in a small file, so that an interrupted one goes on where it was.

Losing the file loses nothing: events imported again count once, by their message ids.
"""

from hashlib import blake2b
from pathlib import Path
from typing import Self

import msgspec

from collectors.importing.mapping import Mapping


class PositionFile:
    """How many units (rows, or orders) of one file are durable in the log."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of(cls, folder: Path, file: Path, mapping: Mapping) -> Self:
        """The position in `file` as it is now under `mapping`; a changed file begins anew."""
        stat = file.stat()
        payload = (str(file.resolve()), stat.st_size, stat.st_mtime_ns, mapping)
        name = blake2b(msgspec.json.encode(payload), digest_size=8).hexdigest()
        return cls(folder / f"import-{name}.position")

    def read(self) -> int:
        """Units that need not be sent again."""
        try:
            return int(self._path.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return 0

    def write(self, units: int) -> None:
        """Remember that the first `units` are durable."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(str(units), encoding="ascii")
        fresh.replace(self._path)

    def forget(self) -> None:
        """The import is complete."""
        self._path.unlink(missing_ok=True)
