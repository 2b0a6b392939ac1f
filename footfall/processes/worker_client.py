"""Asking a running worker, and waiting for processes to be ready, over HTTP on this machine."""

import json
import re
from collections.abc import Callable, Mapping
from time import monotonic, sleep
from typing import Any, Final
from urllib.error import URLError
from urllib.request import Request, urlopen

from pipeline.errors import WarehouseUnavailable

_LAG: Final = re.compile(r"^footfall_stage_lag_records\{[^}]*\} (\S+)$", re.MULTILINE)
_SECONDS: Final = 30.0
"""How long one answer may take."""


class WorkerClient:
    """One process's HTTP side, at `url`; `token` is what a worker may want to be shown."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        self._headers = {"Content-Type": "application/json", "X-Footfall": "1"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def is_ready(self) -> bool:
        """Whether it says that it can work."""
        try:
            self.ask("/ready")
        except (URLError, OSError):
            return False
        return True

    def query(self, sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The rows of a query. Raises WarehouseUnavailable where no answer comes."""
        body = json.dumps({"sql": sql, "params": dict(params)}).encode()
        try:
            answer = json.loads(self.ask("/api/query", body))
        except (URLError, OSError) as error:
            raise WarehouseUnavailable(f"{self.url} does not answer: {error}.") from error
        return [dict(zip(answer["names"], row, strict=True)) for row in answer["rows"]]

    def lag(self) -> int:
        """Records that some stage has still to fold in; the gauge is some seconds old."""
        return sum(int(float(records)) for records in _LAG.findall(self.ask("/metrics").decode()))

    def ask(self, path: str, body: bytes | None = None) -> bytes:
        """The body of an answer. Raises HTTPError and URLError."""
        request = Request(self.url + path, body, self._headers)  # noqa: S310 - our own loopback address
        with urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
            answer: bytes = response.read()
            return answer


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    """Whether `condition()` came true within `seconds`."""
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            return False
        sleep(pause)
    return True
