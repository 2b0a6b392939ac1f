"""`footfall up` in processes of its own, as an operator starts it, and all that can be asked of it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from footfall.processes.worker_client import WorkerClient, wait_until

START_SECONDS = 60
STOP_SECONDS = 40


class Up(NamedTuple):
    """One that runs; `log` is what both roles have said."""

    collector: WorkerClient
    worker: WorkerClient
    log: Path
    pid: int
    environment: Mapping[str, str]

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> int:
        """The status of one request to the collector; `body` is JSON to be, or bytes as they are."""
        host, _, port = self.collector.url.removeprefix("http://").partition(":")
        connection = HTTPConnection(host, int(port), timeout=30)
        try:
            sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
            connection.request(
                "POST", path, sent, {"content-type": "application/json", **(headers or {})}
            )
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def status(self) -> Any:
        """The worker's own account."""
        return msgspec.json.decode(self.worker.ask("/api/status"))

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """A query's rows."""
        return self.worker.query(sql, {})

    def value(self, sql: str) -> Any:
        """The first column of a query's only row."""
        (row,) = self.rows(sql)
        return next(iter(row.values()))

    def comes_true(self, sql: str, value: Any, seconds: float = 30) -> None:
        """Wait until `value` is what `sql` says. Raises AssertionError with what it says instead."""
        said: list[Any] = [None]

        def holds() -> bool:
            said[0] = self.value(sql)
            return bool(said[0] == value)

        assert wait_until(holds, seconds), f"{sql}\nsays {said[0]!r}, not {value!r}"

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """A command of Footfall's beside it, with the same settings."""
        command = [sys.executable, "-m", "footfall.cli", *argv]
        return subprocess.run(
            command,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@contextmanager
def running(directory: Path, **settings: str) -> Iterator[Up]:
    """`footfall up` over `directory`, ready, until the end of the block."""
    given = {
        "log": f"embedded://{directory}",
        "warehouse": f"chdb://{directory / 'warehouse'}",
        "port": str(free_port()),
        "worker_port": str(free_port()),
        **settings,
    }
    bare = {name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")}
    environment = bare | {f"FOOTFALL_{name.upper()}": value for name, value in given.items()}
    log = directory / "up.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "footfall.cli", "up"],
            env=environment,
            stdout=output,
            stderr=output,
        )
    up = Up(
        WorkerClient(f"http://{given.get('host', '127.0.0.1')}:{given['port']}"),
        WorkerClient(
            f"http://{given.get('worker_host', '127.0.0.1')}:{given['worker_port']}",
            given.get("worker_token", ""),
        ),
        log,
        process.pid,
        environment,
    )
    try:
        ready = wait_until(
            lambda: (
                process.poll() is not None or (up.collector.is_ready() and up.worker.is_ready())
            ),
            START_SECONDS,
        )
        assert ready and process.poll() is None, log.read_text()[-3_000:]
        yield up
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"up did not end:\n{log.read_text()[-3_000:]}") from None


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
