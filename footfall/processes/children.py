"""Processes that we start end with us, even when we are killed (Linux)."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent() -> Callable[[], None] | None:
    """A `preexec_fn`: the child gets SIGTERM when the thread that started it ends.

    So it must be started by the main thread, or by one that lives as long.
    """
    if _LIBC is None:
        return None
    parent, libc = os.getpid(), _LIBC

    def bind() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before it could be heard of
            os._exit(128 + signal.SIGTERM)

    return bind
