"""The face that Grafana's ClickHouse plugin sees. Its driver is clickhouse-go over HTTP."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from clickhouse_driver.bufferedreader import BufferedSocketReader
from clickhouse_driver.connection import ServerInfo
from clickhouse_driver.context import Context
from clickhouse_driver.streams.native import BlockInputStream

from pipeline.errors import FootfallError, WarehouseRefused, WarehouseUnavailable
from pipeline.warehouse.native import _Bytes
from pipeline.web.clickhouse import hello
from tests.pipeline.web.fakes import FakeWarehouse, visit

Client = TestClient[Any, Any]
HELLO = "SELECT displayName(), version(), revision(), timezone()"
GO = {"default_format": "Native", "client_protocol_version": "54460", "database": "default"}


def ask(
    warehouse: FakeWarehouse, query: dict[str, str], body: str = "", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    async def steps(client: Client) -> tuple[int, dict[str, str], bytes]:
        response = await client.post("/clickhouse", params=query, data=body, headers=headers)
        return response.status, dict(response.headers), await response.read()

    return visit(warehouse, steps)


def read_block(data: bytes, revision: int) -> list[tuple[Any, ...]]:
    """What a client that speaks a revision of the protocol reads, in clickhouse-driver's words."""
    context = Context()
    context.server_info = ServerInfo("", 0, 0, 0, revision, "UTC", "", revision)
    context.settings, context.client_settings = (
        {},
        {
            "strings_as_bytes": False,
            "use_numpy": False,
            "strings_encoding": "utf-8",
            "input_format_null_as_default": False,
            "namedtuple_as_json": True,
        },
    )
    source = _Bytes(data)
    block = BlockInputStream(BufferedSocketReader(source, 1024), context).read()
    assert source.tell() == len(data)
    return [tuple(row) for row in block.get_rows()]


def test_the_hello_is_framed_for_a_new_client_and_asks_for_plain_blocks_from_then_on() -> None:
    assert read_block(hello("26.9.2.1"), 54460) == [("footfall", "26.9.2.1", 0, "UTC")]


def test_the_drivers_hello_gets_it() -> None:
    status, _, body = ask(FakeWarehouse(b"26.9.2.1\n"), GO, HELLO)
    assert (status, body) == (200, hello("26.9.2.1"))


def test_everything_else_is_passed_through_as_the_engine_wrote_it() -> None:
    warehouse = FakeWarehouse(b"\x01\x02raw")
    status, headers, body = ask(warehouse, GO | {"max_execution_time": "60"}, "SELECT 1")
    assert (status, body) == (200, b"\x01\x02raw")
    assert headers["X-ClickHouse-Timezone"] == "UTC"
    assert warehouse.asked == [("SELECT 1", "Native", {})]


def test_an_older_client_gets_the_engines_own_hello() -> None:
    warehouse = FakeWarehouse(b"plain")
    assert ask(warehouse, {"default_format": "Native"}, HELLO)[2] == b"plain"


def test_parameters_in_the_address_are_bound() -> None:
    warehouse = FakeWarehouse()
    query = {"query": "SELECT {s:String}", "param_s": "it's", "user": "x", "password": "y"}
    ask(warehouse, query)
    assert warehouse.asked == [("SELECT {s:String}", "TabSeparated", {"s": "it's"})]


def test_the_format_may_come_in_a_header() -> None:
    warehouse = FakeWarehouse()
    _, headers, _ = ask(warehouse, {}, "SELECT 1", **{"X-ClickHouse-Format": "JSON"})
    assert warehouse.asked == [("SELECT 1", "JSON", {})]
    assert headers["X-ClickHouse-Format"] == "JSON"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (WarehouseRefused("Code: 47. DB::Exception: Unknown"), 400, "47"),
        (WarehouseRefused("only SELECT can be run here"), 400, "164"),
        (WarehouseUnavailable("Code: 241. DB::Exception: Memory"), 503, "241"),
        (WarehouseUnavailable("too many queries are waiting"), 503, "202"),
    ],
)
def test_errors_are_told_as_clickhouse_tells_them(
    error: FootfallError, status: int, code: str
) -> None:
    answered, headers, body = ask(FakeWarehouse(error), GO, "SELECT nope")
    assert (answered, headers["X-ClickHouse-Exception-Code"]) == (status, code)
    assert body.startswith(f"Code: {code}. ".encode())


def test_ping_and_an_empty_question_are_answered_ok() -> None:
    async def steps(client: Client) -> list[str]:
        paths = ("/clickhouse/ping", "/clickhouse", "/clickhouse/")
        return [await (await client.get(path)).text() for path in paths]

    assert visit(FakeWarehouse(), steps) == ["Ok.\n"] * 3
