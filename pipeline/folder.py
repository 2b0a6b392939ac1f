"""Data folders: made for their owner alone, and one process at a time works in each.

The lock is the kernel's (flock) and lasts as long as the process: `kill -9` frees it, and a file that
was left behind locks nothing.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipeline.clock import wall
from pipeline.errors import FolderInUse, FolderUnusable, LogUnavailable
from pipeline.settings import Settings
from schemas.folder_format import refusal, write_format
from schemas.logfile import is_temporary
from schemas.store_urls import directories

LOCK: Final = "worker.lock"
_MODE: Final = 0o700


class _Locks:
    """The locks of this process, each with the number of those who share it."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.files: dict[Path, tuple[int, int]] = {}


_locks: Final = _Locks()


def folders(settings: Settings) -> list[Path]:
    """The folders on this machine that a worker with `settings` has to itself: log, warehouse."""
    return [Path(directory) for directory in directories(settings.log, settings.warehouse)]


@contextmanager
def lock_folders(*folders: Path) -> Iterator[None]:
    """All `folders` for this process alone. Raises FolderInUse and FolderUnusable, and never waits."""
    with ExitStack() as locks:
        for folder in folders:
            take(folder)
            locks.callback(free, folder)
        yield


def take(folder: Path) -> None:
    """Make `folder` where it is missing and lock it; to be freed as often as it was taken.

    Raises FolderInUse where another process has it, FolderUnusable where it cannot be one or is of
    another version.
    """
    make(folder)
    if text := refusal(folder):
        raise FolderUnusable(text)
    key = folder.resolve()
    with _locks.guard:
        file, times = _locks.files.get(key) or (_lock(folder), 0)
        _locks.files[key] = file, times + 1


def free(folder: Path) -> None:
    """Undo one `take`."""
    key = folder.resolve()
    with _locks.guard:
        file, times = _locks.files.pop(key)
        if times > 1:
            _locks.files[key] = file, times - 1
        else:
            os.close(file)


def make(folder: Path) -> None:
    """Make a folder for its owner alone where it is missing. Raises FolderUnusable."""
    try:
        folder.mkdir(mode=_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from error


def _lock(folder: Path) -> int:
    path = folder / LOCK
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(file, 0)
        write_format(folder)
        since = datetime.fromtimestamp(wall() / 1000, UTC)
        os.pwrite(file, f"pid {os.getpid()} since {since:%Y-%m-%d %H:%M:%S} UTC\n".encode(), 0)
    except BlockingIOError:
        owner = os.pread(file, 200, 0).decode(errors="replace").strip() or "pid unknown"
        os.close(file)
        raise FolderInUse(
            f"{folder.absolute()} is in use by another process ({owner}), and belongs to one at a time: "
            "stop that one, or choose another folder."
        ) from None
    except OSError as error:
        os.close(file)
        raise _unusable(path, error) from error
    return file


def _unusable(path: Path, error: OSError) -> FolderUnusable | LogUnavailable:
    where, why = path.absolute(), error.strerror
    if is_temporary(error):
        return LogUnavailable(f"{where} cannot be used now: {why}.")
    return FolderUnusable(
        f"{where} cannot be used: {why}. It takes a folder that this user may write to."
    )
