"""The embedded stack as child processes: one worker, and a collector whose time may race."""

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from footfall.processes.children import Child, free_port
from footfall.processes.signals import whole
from footfall.processes.worker_client import WorkerClient, wait_until
from pipeline.errors import Permanent
from pipeline.settings import BY_NAME, Settings

WRITE_KEY: Final = "demo"
SERVER_KEY: Final = "demo-server"
SITE: Final = "shop"
TICK_MS: Final = 100
"""At the demonstration's speed, a tick moves time by some five minutes."""
START_SECONDS: Final = 40.0
STOP_SECONDS: Final = 20.0


class StackError(Permanent):
    """A process of the demonstration did not start, or ended by itself."""


class Stack:
    """Processes over `folder`. Leaving the context ends them. `overrides` are further settings."""

    def __init__(self, folder: Path, *, usual_ports: bool = True, **overrides: str) -> None:
        self._folder, self._overrides = folder, overrides
        self._ports = {name: _port(name, usual_ports) for name in ("port", "worker_port")}
        self.settings = self._settings(None)
        self.worker = WorkerClient(f"http://{self.settings.host}:{self.settings.worker_port}")
        self.collector = WorkerClient(f"http://{self.settings.host}:{self.settings.port}")
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with whole():
            for child in self._children.values():  # all at once: the slowest ends last
                child.send(signal.SIGTERM)
            for command in list(self._children):
                self.stop(command)

    def start(self, command: str, pace: tuple[int, int, float] | None = None) -> None:
        """Begin `footfall collect` or `footfall worker`; `pace` as the setting `clock`."""
        environment = {**os.environ, **self._settings(pace).environment()}
        output = self._folder / f"{command}.log"
        with whole():
            self._children[command] = Child(["footfall", command], environment, output)

    def wait_ready(self, command: str) -> None:
        """Return when the process can work. Raises StackError."""
        client = self.worker if command == "worker" else self.collector
        ready = wait_until(lambda: self.check() or client.is_ready(), START_SECONDS)
        if not ready:
            raise StackError(
                f"footfall {command} was not ready in time. {self._children[command].last_words()}"
            )

    def check(self) -> bool:
        """False. Raises StackError where a process has ended by itself."""
        for command, child in self._children.items():
            if child.has_ended():
                raise StackError(f"footfall {command} ended by itself. {child.last_words()}")
        return False

    def pid(self, command: str) -> int:
        """The process id of one that was started."""
        return self._children[command].pid

    def stop(self, command: str) -> None:
        """End a process as an operator would; one that does not end is killed."""
        with whole():
            self._children.pop(command).end(signal.SIGTERM, STOP_SECONDS)

    def _settings(self, pace: tuple[int, int, float] | None) -> Settings:
        texts = {
            "log": f"embedded://{self._folder}",
            "warehouse": f"chdb://{self._folder / 'warehouse'}",
            "write_keys": f"{WRITE_KEY}:{SITE} identify purchase rate=1000000",
            "server_keys": f"{SERVER_KEY}:{SITE}",
            "tick_ms": None if pace is None else str(TICK_MS),
            "clock": "" if pace is None else ",".join(map(str, pace)),
            **self._ports,
            **self._overrides,
        }
        return Settings(texts, env={})


def _port(name: str, usual: bool) -> str:
    """The setting's default port, or a free one where that is taken or not `usual`."""
    default = BY_NAME[name].default
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if usual:
            probe.bind(("127.0.0.1", int(default)))
            return default
    return str(free_port())
