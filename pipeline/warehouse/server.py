"""The warehouse as a ClickHouse server: clickhouse-driver over the native protocol.

Only `raw` goes over the server's HTTP interface, since formats are made there.
"""

import http.client
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from clickhouse_driver import Client
from clickhouse_driver.errors import Error

import sql as statements
from pipeline.errors import BadSetting, ValueRefused, WarehouseUnavailable
from pipeline.masking import mask_url
from pipeline.warehouse.binding import for_driver, text_of
from pipeline.warehouse.contract import Params, Rows
from pipeline.warehouse.failures import failure
from pipeline.warehouse.guard import Catalogue, Guard, Texts
from pipeline.warehouse.limits import READ_BYTES, READ_ROWS, READ_SECONDS
from pipeline.warehouse.pool import Pool
from schemas.store_urls import server_url

SETTINGS: Final = {
    "async_insert": 0,  # an insert is durable when it returns
    "max_partitions_per_insert_block": 0,  # hostile event times span a hundred years
}
READING: Final = {
    "readonly": "1",
    "max_execution_time": str(READ_SECONDS),
    "max_result_rows": str(READ_ROWS),
    "max_result_bytes": str(READ_BYTES),
    "result_overflow_mode": "throw",
    "wait_end_of_query": "1",  # else an error after the first megabyte comes under status 200
}
"""Options of what goes through `raw`, which others ask: as strict as the embedded warehouse."""
CONNECT_SECONDS: Final = 5
ANSWER_SECONDS: Final = 120


class ServerWarehouse:
    """A warehouse at `clickhouse://user:password@host:9000/database?http_port=8123`."""

    def __init__(self, url: str) -> None:
        """Raises BadSetting for a URL that is none. Connections are made when they are needed."""
        try:
            self._url = server = server_url(url)
        except ValueError as error:
            raise BadSetting(f"the warehouse is {error}, not {mask_url(url)}") from None
        self._clients: Pool[Any] = Pool(
            lambda: Client(
                server.host,
                port=server.port,
                database=server.database,
                user=server.user,
                password=server.password,
                secure=server.secure,
                settings={**SETTINGS, "server_side_params": True},
                settings_is_important=True,
                connect_timeout=CONNECT_SECONDS,
                send_receive_timeout=ANSWER_SECONDS,
            ),
            lambda client: client.disconnect(),
        )
        self._guard = lru_cache(maxsize=1)(self._make_guard)

    def insert(self, table: str, columns: Sequence[str], data: Sequence[Sequence[Any]]) -> None:
        """See `Warehouse.insert`. Raises WarehouseUnavailable also where it may have landed."""
        names = ", ".join(f"`{name}`" for name in columns)
        statement = f"INSERT INTO `{table}` ({names}) VALUES"
        with self._clients.lease() as client, _failures(statement):
            client.execute(statement, list(data), columnar=True)

    def query(self, sql: str, params: Params | None = None) -> Rows:
        """See `Warehouse.query`."""
        with self._clients.lease() as client, _failures(sql):
            rows, columns = client.execute(sql, for_driver(params or {}), with_column_types=True)
        names, types = zip(*columns, strict=True) if columns else ((), ())
        return Rows(names, types, rows)

    def execute(self, sql: str, params: Params | None = None) -> None:
        """See `Warehouse.execute`."""
        with self._clients.lease() as client, _failures(sql):
            client.execute(sql, for_driver(params or {}))

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        """See `Warehouse.raw`: held against the allow-list, in the words of the server that runs it."""
        bound = {name: text_of(value) for name, value in (params or {}).items()}
        statement = self._guard().statement(
            sql, fmt, bound, lambda statement, values: self._read(statement, "TSVRaw", values)
        )
        return self._read(statement, fmt, bound)

    def prepare(self) -> None:
        """See `Warehouse.prepare`: a server is ready."""

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()

    def _make_guard(self) -> Guard:
        """What this server has. Its parser, not one of another version, tells what a text means."""
        tables = {row[0] for row in self.query(statements.load("reading/objects")).rows}
        functions = self.query(statements.load("reading/all_functions")).rows
        qualified_names = {f"{self._url.database}.{name}" for name in tables}
        return Guard(
            Catalogue(frozenset(tables | qualified_names), frozenset(row[0] for row in functions))
        )

    def _read(self, statement: str, fmt: str, texts: Texts) -> bytes:
        values = {f"param_{name}": text for name, text in texts.items()}
        options = {"database": self._url.database, "default_format": fmt, **READING, **values}
        status, code, body = self._post(f"/?{urlencode(options)}", statement.encode())
        if status != http.client.OK:
            raise failure(code, body.decode(errors="replace"), statement)
        return body

    def _post(self, path: str, body: bytes) -> tuple[int, int, bytes]:
        url = self._url
        kind = http.client.HTTPSConnection if url.secure else http.client.HTTPConnection
        connection = kind(url.host, url.http_port, timeout=ANSWER_SECONDS)
        headers = {"X-ClickHouse-User": url.user, "X-ClickHouse-Key": url.password}
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            code = int(answer.getheader("X-ClickHouse-Exception-Code", "0"))
            return answer.status, code, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise WarehouseUnavailable(f"{url.host}:{url.http_port}: {error}") from error
        finally:
            connection.close()


@contextmanager
def _failures(statement: str) -> Iterator[None]:
    try:
        yield
    except Error as error:  # its subclasses carry ClickHouse's codes, network errors included
        raise failure(error.code or 0, str(error), statement) from error
    except (EOFError, OSError) as error:
        raise WarehouseUnavailable(f"the connection to the warehouse broke: {error}") from error
    except (TypeError, ValueError, AttributeError, ArithmeticError, struct.error) as error:
        kind = type(error).__name__
        raise ValueRefused(f"a value does not fit its column: {kind} in `{statement}`") from error
