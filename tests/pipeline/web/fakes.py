"""A warehouse that answers what it was told to, and a client for the application in front of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, Counter

from pipeline.errors import FootfallError
from pipeline.warehouse.contract import Params, Rows
from pipeline.web.borders import Access
from pipeline.web.server import make_web

T = TypeVar("T")
OURS = {"X-Footfall": "1"}
"""What programs send."""
ANSWER = b'{"meta":[{"name":"a","type":"UInt8"}],"data":[[3]],"rows":1}'


class FakeWarehouse:
    """Remembers what it was asked."""

    def __init__(self, answer: bytes | FootfallError = ANSWER) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        self.asked.append((sql, fmt, dict(params or {})))
        if isinstance(self.answer, FootfallError):
            raise self.answer
        return self.answer

    def insert(self, table: str, columns: Sequence[str], data: Sequence[Sequence[Any]]) -> None:
        raise AssertionError("the web never writes")

    def query(self, sql: str, params: Params | None = None) -> Rows:
        raise AssertionError("the web only asks through raw, which reads only")

    def execute(self, sql: str, params: Params | None = None) -> None:
        raise AssertionError("the web never writes")

    def prepare(self) -> None:
        raise AssertionError("the worker prepares it")

    def close(self) -> None:
        raise AssertionError("the warehouse is not the web's to close")


def visit(
    warehouse: FakeWarehouse,
    steps: Callable[[TestClient[Any, Any]], Awaitable[T]],
    ready: bool = True,
    access: Access = Access(),  # noqa: B008 - a tuple
    headers: Mapping[str, str] = OURS,
) -> T:
    """Run steps against the application. `headers` are sent with every request."""
    registry = CollectorRegistry()
    Counter("footfall_test", "For the exposition.", registry=registry).inc()

    async def status() -> dict[str, Any]:
        return {"lag": 7}

    async def run() -> T:
        app = make_web(warehouse, registry, status, lambda: ready, access)
        async with TestClient(TestServer(app), headers=headers) as client:
            return await steps(client)

    return asyncio.run(run())
