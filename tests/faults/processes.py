"""Processes of the product that can be killed, paused and started again."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep

STOP_SECONDS = 40
TAIL_BYTES = 2_000


class Managed:
    """One process. Its output is appended to `log`; `deaths` lists exit codes in order."""

    def __init__(self, name: str, argv: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        self._argv, self.env = argv, dict(env)
        self._process: subprocess.Popen[bytes] | None = None
        self.deaths: list[int] = []

    @property
    def alive(self) -> bool:
        """Whether it runs (or is paused)."""
        return self._process is not None and self._process.poll() is None

    @property
    def frozen(self) -> bool:
        """Whether it is stopped (SIGSTOP)."""
        if self._process is None:
            return False
        command = ["ps", "-o", "state=", "-p", str(self._process.pid)]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        return asked.stdout.startswith("T")

    def start(self, **env: str) -> None:
        """Start it, with more variables for this life if given."""
        assert not self.alive, f"{self.name} runs already"
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._argv,
                env={**os.environ, **self.env, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        self._gone()

    def stop(self) -> int:
        """SIGTERM; the exit code. Raises AssertionError where it does not end in time."""
        self._signal(signal.SIGTERM)
        return self._gone()

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def revive(self) -> bool:
        """Start it again if it is dead, as a supervisor would; whether it was."""
        if self.alive:
            return False
        self._gone()
        self.start()
        return True

    def tail(self) -> str:
        """The end of its output."""
        return self.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _gone(self) -> int:
        if self._process is None:
            return 0
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"{self.name} did not end:\n{self.tail()}") from None
        self._process = None
        self.deaths.append(code)
        return code


def footfall(role: str) -> list[str]:
    """The command line of one role, through the wrapper that may break it on purpose."""
    return [sys.executable, "-m", "tests.faults.process", role]


def until(what: str, holds: Callable[[], bool], seconds: float, each: float = 0.05) -> None:
    """Wait for a condition. Raises AssertionError after `seconds`."""
    deadline = monotonic() + seconds
    while not holds():
        if monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s still not: {what}")
        sleep(each)
