"""Why the embedded engine does not open a folder, in words for people.

The engine throws one thing ("Error initializing EmbeddedServer") and prints the cause, C++ names and
all, to the process's standard error.
"""

import fcntl
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.errors import FolderUnusable, WarehouseUnavailable

_FILE: Final = re.compile(
    r"metadata file ([^\n]+?)\. |\(in file ([^)\n]+)\)|file:? ([^\s,:]+)|\[\"([^\"]+)\""
)
_DENIED_ACCESS: Final = re.compile(
    r"errno: (?:1|13|30)\b|Permission denied|Read-only file system|ACCESS_DENIED"
)
_PASSING: Final = re.compile(
    r"already initialized with path|errno: (?:4|5|11|12|23|24|28|122)\b|No space left|Too many open files"
)
"""What the engine says where this process has another folder open, and of causes that go by themselves."""
_ROOM: Final = 1_000_000
"""Bytes that opening needs on the disk, and far more."""


class CapturedText:
    """What was printed; known when the block has ended."""

    text = ""


@contextmanager
def captured_stderr() -> Iterator[CapturedText]:
    """Hold back what is printed to standard error in the block; it is printed after one that ends well."""
    captured = CapturedText()
    try:
        before = os.dup(2)
    except OSError:  # a service may be started without one
        yield captured
        return
    if sys.stderr:
        sys.stderr.flush()
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 2)
        try:
            yield captured
        except BaseException:
            os.dup2(before, 2)
            output.seek(0)
            captured.text = output.read().decode(errors="replace")
            raise
        else:
            os.dup2(before, 2)
            output.seek(0)
            os.write(2, output.read())
        finally:
            os.close(before)


def open_error(path: Path, engine_text: str) -> FolderUnusable | WarehouseUnavailable:
    """The error for a folder that cannot be opened; `engine_text` is all that the engine said."""
    where = path.absolute()
    match = _FILE.search(engine_text)
    file = next(filter(None, match.groups()), "") if match else ""
    name = f"{where}, the warehouse, cannot be opened"
    if _DENIED_ACCESS.search(engine_text):
        return FolderUnusable(
            f"{name}: this user may not use {file or 'what is in it'}. It must belong to the user that "
            "runs Footfall, on a disk that can be written."
        )
    if not _PASSING.search(engine_text) and is_available(path):
        return FolderUnusable(
            f"{name}: {file or 'a file in it'} is damaged or missing. Put log, state and warehouse back "
            "from one copy, or run `footfall rebuild`."
        )
    return WarehouseUnavailable(f"{name}: {' '.join(engine_text.split())[:500]}")


def is_available(path: Path) -> bool:
    """Whether nobody has a warehouse's directory open, and the disk is not full."""
    if shutil.disk_usage(path).free < _ROOM:
        return False
    try:
        with (path / "status").open("ab") as lock:  # the engine's own lock
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
