"""Rejects to the collector again, as the requests they came from."""

from collections.abc import Iterable, Mapping
from http.client import HTTPConnection
from typing import Any, NamedTuple

import msgspec

from pipeline.errors import LogUnavailable
from pipeline.settings import Settings
from schemas.rejects import as_bytes

_TIMEOUT_SECONDS = 30


class Replayed(NamedTuple):
    """How many rejects were taken, and how many were refused again."""

    taken: int
    refused: int


def replay(settings: Settings, rejects: Iterable[Mapping[str, Any]], key: str) -> Replayed:
    """Send each once, with a key of its site (a server's, where there is one), else with `key`.

    A reject for an unknown key has no site. Raises LogUnavailable where no collector takes them.
    """
    taken = refused = 0
    connection = HTTPConnection(settings.host, settings.port, timeout=_TIMEOUT_SECONDS)
    keys = {key.site: name for name, key in settings.keys.items()}  # servers' keys come last
    try:
        for reject in rejects:
            if _send(connection, reject, keys.get(reject["site"], key)):
                taken += 1
            else:
                refused += 1
    except OSError as error:
        raise LogUnavailable(
            f"No collector on {settings.host}:{settings.port}: {error}. Start one with "
            f"`footfall up`, or name it with --host and --port."
        ) from error
    finally:
        connection.close()
    return Replayed(taken, refused)


def _send(connection: HTTPConnection, reject: Mapping[str, Any], key: str) -> bool:
    body = _request_body(reject["path"], as_bytes(reject["body"]))
    path = f"{reject['path']}?writeKey={key}"
    connection.request("POST", path, body, {"content-type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status == 503:
        raise OSError("the log cannot take events now; try again later")
    return response.status == 200 and b'"rejected"' not in answer


def _request_body(path: str, body: bytes) -> bytes:
    """An event refused out of a batch goes back as a batch of one."""
    if not path.endswith(("/batch", "/b", "/import")):
        return body
    try:
        content = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return body
    return body if "batch" in content else b'{"batch":[' + body + b"]}"
