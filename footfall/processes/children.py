"""Processes that we start end with us, even when we are killed (Linux)."""

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired
from typing import Final

from footfall.processes.signals import whole

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """A Python process of our own, begun at once, whose words go to the file `output`."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], output: Path
    ) -> None:
        """`arguments` are what follows `python -m`."""
        self._output = output
        with output.open("ab") as log, whole():
            self._process = Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", *arguments],
                env=dict(environment),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us, who end our processes in order
                preexec_fn=end_with_parent(),  # noqa: PLW1509 - it only calls libc
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Whether it is over, by itself or not."""
        return self._process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        """Send a signal; one that is over gets none."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def end(self, number: signal.Signals, patience_s: float) -> int:
        """End it by a signal, or after `patience_s` by SIGKILL; answers its exit code."""
        with whole():
            self.send(number)
            try:
                return self._process.wait(patience_s)
            except TimeoutExpired:
                self._process.kill()
                return self._process.wait()

    def last_words(self) -> str:
        """A sentence with the last three lines that it wrote."""
        lines = self._output.read_text(errors="replace").splitlines()
        return "Its last words: " + " / ".join(lines[-3:])


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
