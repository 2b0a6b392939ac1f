"""The embedded log's files as both sides know them: names, format, and the checksums of their rows.

A disk may return other bytes than were written, and SQLite does not notice. So every row carries a
checksum of its fields, and a second file beside each records how far its partitions once went.
"""

import errno
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

from crc32c import crc32c

INBOX: Final = "inbox.db"
WORK: Final = "work.db"
FORMAT: Final = "2"
"""Format 1 had no checksums."""
OFFSET_BITS: Final = 40

DAMAGED: Final = b"\x00damaged\x00"
"""What a line of a record begins with that did not come back from the disk as it was written."""

_SLOT: Final = Struct("<qII")


def checksum(fields: tuple[object, ...], body: object = b"") -> int:
    """CRC32C of a row: its fields but the checksum, in the table's order, then its BLOB.

    A damaged row may hold values of any type.
    """
    data = body if isinstance(body, bytes) else repr(body).encode()
    return crc32c(data, crc32c(repr(fields).encode("utf-8", "surrogateescape")))


class PartitionRow(NamedTuple):
    """A row of `partitions`: its records go from `first_offset` to before `next_offset`.

    `events`: of all records that ever were in it.
    """

    number: int
    topic: str
    partition: int
    first_offset: int = 0
    next_offset: int = 0
    events: int = 0

    def record_id(self, offset: int) -> int:
        """The id of the record at an offset."""
        return (self.number << OFFSET_BITS) + offset

    def after(self, events: int) -> "PartitionRow":
        """The same with a record more."""
        return self._replace(next_offset=self.next_offset + 1, events=self.events + events)


def damaged_lines(value: object) -> tuple[int, bytes]:
    """A damaged record's lines, marked so that none is taken for an event, and how many they are."""
    body = value if isinstance(value, bytes) else repr(value).encode()
    lines = [DAMAGED + line for line in body.split(b"\n") if line.strip()] or [DAMAGED]
    return len(lines), b"\n".join(lines)


def schema_fault(actual: Iterable[tuple[str, str]], expected: Iterable[tuple[str, str]]) -> str:
    """What is wrong with a file's tables ("" for nothing), by rows (name, sql) of sqlite_master."""
    actual_sql, expected_sql = dict(actual), dict(expected)
    if actual_sql == expected_sql:
        return ""
    if "records" in actual_sql and "checksum" not in str(actual_sql["records"]):
        return "older"
    return f"its tables are {', '.join(sorted(map(repr, actual_sql)))}"


class EndOffsets:
    """How far each partition of a file went, in a file of its own, which is not synced.

    It is written after a commit, so it never says more than was durable; where it says more than
    the file holds, the file lost what had been promised. A slot that cannot be read says nothing.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file

    def record(self, row: PartitionRow) -> None:
        """The partition goes to `row.next_offset`."""
        self._file.seek(row.number * _SLOT.size)
        end = row.next_offset
        self._file.write(_SLOT.pack(end, checksum((row.number, end)), 0))

    def recorded(self) -> dict[int, int]:
        """By partition's number, how far it went. Ask before the file itself: it goes on growing."""
        self._file.seek(0)
        slots = [_SLOT.unpack(slot) for slot in _slots(self._file.read())]
        return {
            number: end
            for number, (end, check, _) in enumerate(slots)
            if check == checksum((number, end))
        }

    def clear(self) -> None:
        """The file it is beside is a new one."""
        self._file.truncate(0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _slots(content: bytes) -> Iterable[bytes]:
    end = len(content) - len(content) % _SLOT.size
    return (content[start : start + _SLOT.size] for start in range(0, end, _SLOT.size))


def shortened_partition(recorded: dict[int, int], rows: Iterable[PartitionRow]) -> str:
    """The first partition that is shorter than was `recorded`, in words; "" for none."""
    for row in rows:
        if (end := recorded.get(row.number, 0)) > row.next_offset:
            return (
                f"{row.topic}/{row.partition} ends at offset {row.next_offset}, but went to {end}"
            )
    return ""


_TEMPORARY: Final = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EAGAIN,
    errno.EINTR,
    errno.EBUSY,
    errno.ETIMEDOUT,
    errno.ESTALE,
}
"""Errors that end without anybody doing something about the folder, or once there is room."""


_STORAGE_ERRORS: Final = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
    "SQLITE_NOMEM",
    "SQLITE_PERM",
    "SQLITE_PROTOCOL",
    "SQLITE_INTERRUPT",
    "SQLITE_NOLFS",
    "SQLITE_AUTH",
)


def is_storage_error(name: str) -> bool:
    """Whether SQLite's name of an error is about the disk, or a lock of another process.

    All other errors mean that the file is not as it was written.
    """
    return name.startswith(_STORAGE_ERRORS) and name != "SQLITE_IOERR_SHORT_READ"


def is_temporary(error: OSError) -> bool:
    """Whether a folder that could not be used for this error may be usable later."""
    return error.errno in _TEMPORARY


_NO_ACCESS: Final = {"SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_READONLY", "SQLITE_AUTH"}


def permanent_fault(path: Path, name: str, text: str) -> str:
    """Why `path` stays unusable until somebody helps, and what to do; "" where it may recover by itself.

    `name` is SQLite's name of the error (`SQLITE_NOTADB`, extended ones too), `text` its message.
    """
    kind = "_".join(name.split("_")[:2])
    where = path.absolute()
    if path.is_dir():
        return f"{where} is a directory, but should be a file of the log. Move it away."
    if (
        kind in _NO_ACCESS
        and path.parent.is_dir()
        and (path.exists() or not _may_write(path.parent))
    ):
        return (
            f"{where} cannot be opened ({text}): it must belong to the user that runs Footfall, on a disk "
            "that can be written."
        )
    return ""


def _may_write(folder: Path) -> bool:
    """Whether a file can be made there: by making one, as permissions are of many kinds."""
    probe = folder / ".footfall-probe"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True
