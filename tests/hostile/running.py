"""A collector in a process of its own, and what it uses."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from typing import Final, NamedTuple

_START_SECONDS: Final = 30
_TICKS: Final = os.sysconf("SC_CLK_TCK")
GOOD: Final = b'{"type":"track","anonymousId":"a","event":"Seen","messageId":"%d"}'


class Answer(NamedTuple):
    """An HTTP answer; headers by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes


class Collector(NamedTuple):
    """One that runs."""

    pid: int
    port: int
    log: Path

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """One request on a connection of its own."""
        return self.ask("POST", path, body, headers)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The same with any method."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read())
        finally:
            connection.close()

    def good(self, number: int) -> float:
        """Send a good event; the seconds until it was durable."""
        began = monotonic()
        assert self.post("/v1/track", GOOD % number).status == 200
        return monotonic() - began

    def cpu(self) -> float:
        """Seconds it has computed, system time too."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self, name: str = "VmRSS") -> int:
        """Bytes: VmRSS now, VmHWM at most since `forget_peak`."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def forget_peak(self) -> None:
        """VmHWM counts from here."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def descriptors(self) -> int:
        """Files and sockets it holds open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


@contextmanager
def collecting(directory: Path, *argv: str, **settings: str) -> Iterator[Collector]:
    """A collector over an embedded log in `directory`, until the end of the block.

    `argv` is another command line than the product's; `settings` are FOOTFALL_… variables.
    """
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if "FOOTFALL" not in name} | {
        "FOOTFALL_LOG": f"embedded://{directory / 'data'}",
        "FOOTFALL_PORT": str(port),
        **{f"FOOTFALL_{name.upper()}": value for name, value in settings.items()},
    }
    log = directory / "collector.log"
    command = [sys.executable, *(argv or ("-m", "footfall.cli", "collect"))]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        collector = Collector(process.pid, port, log)
        _wait(collector, process)
        yield collector
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(collector: Collector, process: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + _START_SECONDS
    while process.poll() is None and monotonic() < deadline:
        try:
            if collector.ask("GET", "/ready").status == 200:
                return
        except OSError:
            sleep(0.05)
    raise AssertionError(f"The collector did not start:\n{collector.log.read_text()[-2_000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
