"""A server in a process of its own, on a core of its own where there are two."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from footfall.bench.compare import BenchError
from footfall.processes.children import Child, free_port
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
        self.port = free_port()
        self._arguments = [argument.format(port=self.port) for argument in arguments]
        self._environment, self._output = environment, folder / "server.log"

    def __enter__(self) -> Self:
        with on(Cores.found().server), whole():
            self._child = Child(self._arguments, self._environment, self._output)
        client = WorkerClient(f"http://127.0.0.1:{self.port}")
        try:
            wait_until(lambda: self._child.has_ended() or client.is_ready(), _START_SECONDS)
            if self._child.has_ended() or not client.is_ready():
                raise BenchError(f"{self._arguments[0]} does not start. {self._child.last_words()}")
        except BaseException:
            self._child.end(signal.SIGKILL, _STOP_SECONDS)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        number = signal.SIGTERM if error is None else signal.SIGKILL
        code = self._child.end(number, _STOP_SECONDS)
        if error is None and code:
            raise BenchError(
                f"{self._arguments[0]} ended with code {code}. {self._child.last_words()}"
            )

    def cpu_seconds(self) -> float:
        """What it and its ended children have used so far, from Linux's /proc."""
        stat = Path(f"/proc/{self._child.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return sum(map(int, fields[_USER_TIME : _USER_TIME + 4])) / _TICKS
