"""The driver: sends traffic over HTTP until every request has its 2xx, and notes what was said.

The log's time runs fast, so that sessions end and pages are decided in the middle of a run.
"""

import json
import threading
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import time_ns

from tests.faults.traffic import Sending

RETRY_SECONDS = 0.05
TIMEOUT_SECONDS = 10


class Clock:
    """A fast clock, the one that FOOTFALL_CLOCK tells the collector: `start` now, then `speed`×."""

    def __init__(self, start: int, speed: float) -> None:
        self.start, self.speed, self.wall = start, speed, time_ns() // 1_000_000

    @property
    def setting(self) -> str:
        """The value of FOOTFALL_CLOCK."""
        return f"{self.start},{self.wall},{self.speed}"

    def seconds_until(self, time: int) -> float:
        """Real seconds until the clock shows `time`, ms; negative afterwards."""
        return (self.wall + (time - self.start) / self.speed - time_ns() / 1_000_000) / 1000


class Driver:
    """Sends in order from one thread. `sent` counts events with a 2xx; `limit` stops the flow there.
    `port`: the collector that is sent to; it may change.

    At the end `finished` is set, and `refused` says why if a request can never be accepted.
    """

    def __init__(self, port: int, accepted: Path) -> None:
        self.port, self._accepted = port, accepted
        self._connection: HTTPConnection | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.sent = self.limit = 0
        self.answers: dict[int, int] = {}
        self.refused = ""
        self.finished = threading.Event()

    def start(self, sendings: Sequence[Sending], clock: Clock) -> None:
        """Send each at its time by the clock, or as soon after as it can be."""
        self._thread = threading.Thread(target=self._run, args=(sendings, clock), daemon=True)
        self._thread.start()

    def _run(self, sendings: Sequence[Sending], clock: Clock) -> None:
        with self._accepted.open("a") as accepted:
            for sending in sendings:
                self._stop.wait(max(0.0, clock.seconds_until(sending.at)))
                self._wait_for_permission()
                status = self._until_accepted(sending)
                if not status:
                    break
                line = {"path": sending.path, "status": status, "body": sending.body}
                accepted.write(json.dumps(line) + "\n")
                self.sent += len(sending.body["batch"])
        self.finished.set()

    def stop(self) -> None:
        """Give up; used when a run has failed."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(TIMEOUT_SECONDS * 2)

    def _wait_for_permission(self) -> None:
        while self.sent > self.limit and not self._stop.is_set():
            self._stop.wait(RETRY_SECONDS)

    def _until_accepted(self, sending: Sending) -> int:
        body = json.dumps(sending.body).encode()
        while not self._stop.is_set():
            status = self._post(sending.path, body)
            self.answers[status] = self.answers.get(status, 0) + 1
            if 200 <= status < 300:
                return status
            if 400 <= status < 500:
                self.refused = f"{sending.path} was refused with {status}: {body[:300]!r}"
                break
            self._stop.wait(RETRY_SECONDS)
        return 0

    def _post(self, path: str, body: bytes) -> int:
        """The answer's status; 0 where there was none."""
        try:
            if self._connection is not None and self._connection.port != self.port:
                self._connection.close()
                self._connection = None
            if self._connection is None:
                self._connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
            headers = {"Content-Type": "application/json", "Authorization": "Basic ZGVmYXVsdDo="}
            self._connection.request("POST", path, body, headers)
            answer = self._connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, HTTPException):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return 0
