"""Folders for a demonstration or a measurement: gone when it ends, or at the next start after kill -9."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Final

from footfall.processes.signals import whole
from pipeline.folder import LOCK

_OWNER: Final = "scratch.lock"


@contextmanager
def scratch(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new folder of our own in `parent` (the system's for temporary files), removed afterwards."""
    sweep(prefix, parent)
    with whole():
        folder = Path(mkdtemp(prefix=prefix, dir=parent))
        owner = os.open(folder / _OWNER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(owner, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        with whole():
            shutil.rmtree(folder, ignore_errors=True)
            os.close(owner)


def sweep(prefix: str, parent: Path | None = None) -> None:
    """Remove what killed runs left there: folders whose owner is gone, and their worker too."""
    for folder in Path(parent or gettempdir()).glob(f"{prefix}*"):
        owner = folder / _OWNER
        if owner.exists() and not _is_held(owner) and not _has_worker(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _has_worker(folder: Path) -> bool:
    try:
        return any(map(_is_held, folder.rglob(LOCK)))
    except FileNotFoundError:  # somebody makes and removes folders in it
        return True


def _is_held(lock: Path) -> bool:
    """Also where it is somebody else's, whom we must leave alone."""
    try:
        file = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        with suppress(OSError):
            os.close(file)
