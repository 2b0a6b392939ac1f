"""A small file system that a neighbour fills to the last byte, and empties again."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Final

SIZE: Final = 256 * 1024 * 1024
RESERVE: Final = 64_000_000
_CHUNK: Final = b"\0" * 65_536


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A tmpfs of SIZE bytes at `folder`, for the time of the block."""
    folder.mkdir(parents=True)
    _mount(folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(folder: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


@cache
def cannot_mount() -> str:
    """Why there can be no small file system here; nothing where there can."""
    try:
        with TemporaryDirectory() as folder, small_disk(Path(folder) / "disk"):
            return ""
    except (OSError, subprocess.CalledProcessError):
        return "a full disk needs a file system of its own: mount it as root"


class Neighbour:
    """Fills the disk of `folder` and keeps it full until it is told to go."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "neighbour"
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._fill, daemon=True)
        self._thread.start()

    def _fill(self) -> None:
        while not self._gone.is_set():
            with suppress(OSError), self._file.open("ab", buffering=0) as file:
                while not self._gone.is_set():
                    file.write(_CHUNK)
            sleep(0.001)

    def go(self) -> None:
        """Leave; what it held is free again."""
        self._gone.set()
        self._thread.join()
        with suppress(OSError):
            self._file.unlink()


def free(folder: Path) -> int:
    """Bytes."""
    return shutil.disk_usage(folder).free


def wait_full(folder: Path, seconds: float) -> None:
    """Until nothing is free. Raises AssertionError after `seconds`."""
    deadline = monotonic() + seconds
    while free(folder) > len(_CHUNK):
        assert monotonic() < deadline, f"{folder} is not full after {seconds} s"
        sleep(0.001)
