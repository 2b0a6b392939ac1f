"""Queries from outside, run beside the pipeline's own: few at once, in threads of their own.

The worker's default threads carry its inserts; a slow dashboard must not take them.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec

from pipeline.errors import WarehouseRefused, WarehouseUnavailable
from pipeline.warehouse.contract import Params, Warehouse
from pipeline.warehouse.limits import AT_ONCE

WAITING: Final = 64
"""Queries that may wait for their turn; a page of panels asks for some ten at once."""


class Answer(msgspec.Struct, frozen=True):
    """An answer as JSON carries it: `types` are ClickHouse's names, `rows` lists of values."""

    names: list[str]
    types: list[str]
    rows: msgspec.Raw


class _Column(msgspec.Struct, frozen=True):
    name: str
    type: str


class _Compact(msgspec.Struct, frozen=True):
    meta: list[_Column]
    data: msgspec.Raw


_compact: Final = msgspec.json.Decoder(_Compact)


class Reader:
    """Read-only access to a warehouse. Used from one event loop."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="web")
        self._pending = 0

    async def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        """The answer in a ClickHouse format. Raises the warehouse's errors.

        Raises WarehouseUnavailable too while too many others wait.
        """
        if self._pending >= AT_ONCE + WAITING:
            raise WarehouseUnavailable("too many queries are waiting; ask again in a moment")
        self._pending += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._threads, self._warehouse.raw, sql, fmt, dict(params or {})
            )
        finally:
            self._pending -= 1

    async def answer(self, sql: str, params: dict[str, Any]) -> Answer:
        """The answer for JSON. Raises as `raw`, and WarehouseRefused where a FORMAT is named."""
        body = await self.raw(sql, "JSONCompact", params)
        try:
            compact = _compact.decode(body)
        except msgspec.DecodeError:
            raise WarehouseRefused("the statement names a FORMAT; leave it out here") from None
        names = [column.name for column in compact.meta]
        return Answer(names, [column.type for column in compact.meta], compact.data)

    def close(self) -> None:
        """Let queries under way end, and begin no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
