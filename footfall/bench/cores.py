"""A server in a process of its own, on a core of its own where there are two."""

import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired
from types import TracebackType
from typing import Final, NamedTuple, Self

from footfall.bench.compare import BenchError
from footfall.processes.children import end_with_parent
from footfall.processes.signals import whole
from footfall.processes.worker_client import WorkerClient, wait_until

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_USER_TIME: Final = 11
"""Field of /proc/PID/stat after the command's name; then system time, then both of its children."""
_START_SECONDS: Final = 40.0
_STOP_SECONDS: Final = 20.0


class Cores(NamedTuple):
    """Which CPUs the server and its sender may use. Empty: wherever the system puts them."""

    server: frozenset[int]
    sender: frozenset[int]

    @classmethod
    def found(cls) -> Self:
        """The last CPU for the server, the others for the sender."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(frozenset(), frozenset())
        *remaining, last = sorted(os.sched_getaffinity(0))
        return (
            cls(frozenset((last,)), frozenset(remaining)) if remaining else cls(*[frozenset()] * 2)
        )


@contextmanager
def on(cpus: frozenset[int]) -> Iterator[None]:
    """This thread, and what it starts meanwhile, on these CPUs only."""
    if not cpus:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Server:
    """`python -m MODULE …` listening on `port`, from entering the context until leaving it."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        """`{port}` in `arguments` becomes the port. `folder` is for what the process says."""
        self.port = _free_port()
        self._command = [sys.executable, "-m", *(a.format(port=self.port) for a in arguments)]
        self._environment, self._said = environment, folder / "server.log"

    def __enter__(self) -> Self:
        with self._said.open("wb") as log, on(Cores.found().server), whole():
            self._process = Popen(  # noqa: S603 - our own command
                self._command,
                env=dict(self._environment),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is ours
                preexec_fn=end_with_parent(),  # noqa: PLW1509 - it only calls libc
            )
        client = WorkerClient(f"http://127.0.0.1:{self.port}")
        try:
            wait_until(lambda: self._ended() or client.is_ready(), _START_SECONDS)
            if self._ended() or not client.is_ready():
                raise BenchError(f"{self._command[2]} does not start. {self._last_words()}")
        except BaseException:
            self._end(signal.SIGKILL)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        code = self._end(signal.SIGTERM if error is None else signal.SIGKILL)
        if error is None and code:
            raise BenchError(f"{self._command[2]} ended with code {code}. {self._last_words()}")

    def cpu_seconds(self) -> float:
        """What it and its ended children have used so far, from Linux's /proc."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return sum(map(int, fields[_USER_TIME : _USER_TIME + 4])) / _TICKS

    def _ended(self) -> bool:
        return self._process.poll() is not None

    def _end(self, how: signal.Signals) -> int:
        with whole():
            self._process.send_signal(how)
            try:
                return self._process.wait(_STOP_SECONDS)
            except TimeoutExpired:
                self._process.kill()
                return self._process.wait()

    def _last_words(self) -> str:
        lines = self._said.read_text(errors="replace").splitlines()
        return "Its last words: " + " / ".join(lines[-3:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
