"""The warehouse from a command line: through the worker while one runs, else directly.

An embedded warehouse belongs to one process at a time, so a running worker must be asked.
"""

from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec

import sql as statements
from pipeline.errors import BadSetting, FolderInUse, WarehouseRefused, WarehouseUnavailable
from pipeline.settings import Settings
from pipeline.warehouse.contract import Rows
from schemas.store_urls import EmbeddedWarehouseUrl, warehouse_url

_TIMEOUT_SECONDS = 60
_STATUS_SECONDS = 10


def ask(settings: Settings, sql: str, params: Mapping[str, Any] | None = None) -> Rows:
    """A read-only query's rows.

    Raises WarehouseUnavailable or WarehouseRefused, and BadSetting where there is no warehouse.
    """
    if (answer := ask_worker(settings, sql, params)) is not None:
        return answer
    from pipeline.stores import open_warehouse

    url = warehouse_url(settings.warehouse)
    source: Path | str = "The ClickHouse server"
    if isinstance(url, EmbeddedWarehouseUrl):
        source = Path(url.directory).absolute()
        if not source.is_dir():  # to open it would be to make it
            raise _empty(source)
    try:
        warehouse = open_warehouse(settings)
    except FolderInUse as error:
        raise WarehouseUnavailable(
            f"{error} It does not answer on {settings.worker_host}:{settings.worker_port}: it may not "
            "have started yet, or listens elsewhere (FOOTFALL_WORKER_HOST, FOOTFALL_WORKER_PORT)."
        ) from error
    try:
        ((_, tables),) = warehouse.query(statements.load("queries/engine")).rows
        if not tables:
            raise _empty(source)
        return rows_of(warehouse.raw(sql, "JSONCompact", params))
    finally:
        warehouse.close()


def _empty(source: object) -> BadSetting:
    return BadSetting(
        f"{source} has no tables: start `footfall up` once, or set FOOTFALL_LOG and "
        "FOOTFALL_WAREHOUSE as it has them."
    )


def ask_worker(settings: Settings, sql: str, params: Mapping[str, Any] | None) -> Rows | None:
    """The running worker's answer, or None where none listens.

    Raises WarehouseUnavailable for a 5xx, WarehouseRefused for a 4xx, and what `call` raises.
    """
    body = msgspec.json.encode({"sql": sql, "params": dict(params or {})})
    reply = call(settings, "POST", "/api/query", body)
    if reply is None:
        return None
    status, text = reply
    if status >= 500:
        raise WarehouseUnavailable(text.decode("utf-8", "replace"))
    if status >= 400:
        raise WarehouseRefused(text.decode("utf-8", "replace"))
    answer = msgspec.json.decode(text)
    rows = [tuple(row) for row in answer["rows"]]
    return Rows(tuple(answer["names"]), tuple(answer["types"]), rows)


def rows_of(compact: bytes) -> Rows:
    """An answer in ClickHouse's format JSONCompact."""
    answer = msgspec.json.decode(compact)
    names, types = zip(*((c["name"], c["type"]) for c in answer["meta"]), strict=True)
    return Rows(names, types, [tuple(row) for row in answer["data"]])


def status_of(settings: Settings) -> dict[str, Any] | None:
    """The running worker's own account, or None where none listens.

    Raises WarehouseUnavailable for any other answer than 200, and what `call` raises.
    """
    reply = call(settings, "GET", "/api/status", seconds=_STATUS_SECONDS)
    if reply is None:
        return None
    status, text = reply
    if status != 200:
        raise WarehouseUnavailable(f"The worker answers {status}: {text[:300].decode()}")
    status_report: dict[str, Any] = msgspec.json.decode(text)
    return status_report


def call(
    settings: Settings,
    method: str,
    path: str,
    body: bytes | None = None,
    seconds: float = _TIMEOUT_SECONDS,
) -> tuple[int, bytes] | None:
    """One request to the worker on this machine; None where nothing listens.

    Raises BadSetting for a token that is not the worker's.
    """
    connection = HTTPConnection(settings.worker_host, settings.worker_port, timeout=seconds)
    try:
        connection.request(method, path, body, _headers(settings))
        response = connection.getresponse()
        status, answer = response.status, response.read()
    except ConnectionRefusedError:
        return None
    except OSError as error:
        raise WarehouseUnavailable(f"The worker did not answer: {error}.") from error
    finally:
        connection.close()
    if status == HTTPStatus.UNAUTHORIZED:
        raise BadSetting("The worker wants another token: set FOOTFALL_WORKER_TOKEN as it has it.")
    return status, answer


def _headers(settings: Settings) -> dict[str, str]:
    """What the worker takes from programs (pipeline/web/foreign.py), and the token."""
    headers = {"Content-Type": "application/json", "X-Footfall": "1"}
    token = settings.worker_token
    return headers | {"Authorization": f"Bearer {token}"} if token else headers
