"""Why the embedded engine does not open a folder, in words for people.

The engine throws one thing ("Error initializing EmbeddedServer") and prints the cause, C++ names and
all, to the process's standard error.
"""

import os
import re
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
_RIGHTS: Final = re.compile(
    r"errno: (?:1|13|30)\b|Permission denied|Read-only file system|ACCESS_DENIED"
)
_DAMAGE: Final = re.compile(
    r"SYNTAX_ERROR|CANNOT_PARSE|CORRUPTED|CHECKSUM|INCORRECT|UNKNOWN_|BAD_TYPE|FILE_DOESNT_EXIST|EXPECTED"
    r"|ATTEMPT_TO_READ_AFTER_EOF|CANNOT_READ_ALL_DATA|errno: (?:2|20|21)\b|filesystem error|filesystem_error"
)


class Words:
    """What was printed; known when the block has ended."""

    text = ""


@contextmanager
def heard() -> Iterator[Words]:
    """Hold back what is printed to standard error in the block; it is printed after one that ends well."""
    words = Words()
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield words
        except BaseException:
            os.dup2(before, 2)
            held.seek(0)
            words.text = held.read().decode(errors="replace")
            raise
        else:
            os.dup2(before, 2)
            held.seek(0)
            os.write(2, held.read())
        finally:
            os.close(before)


def unopened(path: Path, said: str) -> FolderUnusable | WarehouseUnavailable:
    """The error for a folder that cannot be opened; `said` is all that the engine said."""
    where = path.absolute()
    found = _FILE.search(said)
    file = next(filter(None, found.groups()), "") if found else ""
    name = f"{where}, the warehouse, cannot be opened"
    if _RIGHTS.search(said):
        return FolderUnusable(
            f"{name}: this user may not use {file or 'what is in it'}. It must belong to the user that "
            "runs Footfall, on a disk that can be written."
        )
    if _DAMAGE.search(said):
        return FolderUnusable(
            f"{name}: {file or 'a file in it'} is damaged. Put log, state and warehouse back from one copy."
        )
    return WarehouseUnavailable(f"{name}: {' '.join(said.split())[:500]}")
