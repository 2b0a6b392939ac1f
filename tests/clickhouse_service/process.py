"""Starts, kills and restarts the service, always on the same ports and the same directory."""

import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

START_SECONDS = 60


class Service:
    """The service as a process of its own. A context manager: it runs inside of the block."""

    def __init__(self, path: Path) -> None:
        self._path, self._ports = path, (0, 0)
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """For ServerWarehouse. The same after a restart."""
        return f"clickhouse://default:@127.0.0.1:{self._ports[0]}/?http_port={self._ports[1]}"

    def start(self) -> None:
        """Start it and wait until it serves."""
        port, http_port = (str(port) for port in self._ports)
        command = [
            sys.executable,
            "-m",
            "tests.clickhouse_service",
            "--path",
            str(self._path),
            "--port",
            port,
            "--http-port",
            http_port,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], START_SECONDS)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            self.kill()
            raise RuntimeError("the test service did not start; its error is on stderr")
        native, http = line.split()
        self._ports = int(native), int(http)

    def kill(self) -> None:
        """kill -9. Connections are refused until `start`."""
        if self._process:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout
            self._process.stdout.close()
            self._process = None

    def leave(self) -> None:
        """Drop every connection from now on, until `come_back`; nothing is lost or restarted."""
        self._signal(signal.SIGUSR1)

    def come_back(self) -> None:
        """Serve again."""
        self._signal(signal.SIGUSR2)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process
        assert self._process.stdout
        self._process.send_signal(number)
        self._process.stdout.readline()  # it says when it has heard

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
