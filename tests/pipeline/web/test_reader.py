"""Queries from outside do not pile up."""

import asyncio
import threading

import pytest

from pipeline.errors import WarehouseUnavailable
from pipeline.warehouse.contract import Params
from pipeline.warehouse.limits import AT_ONCE
from pipeline.web.reader import WAITING, Reader
from tests.pipeline.web.fakes import FakeWarehouse


class SlowWarehouse(FakeWarehouse):
    """Answers when told to, and counts how many wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.running = self.most = 0
        self._lock = threading.Lock()

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.go.wait(10)
        with self._lock:
            self.running -= 1
        return super().raw(sql, fmt, params)


def test_few_run_at_once_some_wait_and_the_rest_is_sent_away() -> None:
    warehouse = SlowWarehouse()

    async def run() -> None:
        reader = Reader(warehouse)
        room = AT_ONCE + WAITING
        asked = [asyncio.create_task(reader.answer("SELECT 1", {})) for _ in range(room)]
        await asyncio.sleep(0)
        with pytest.raises(WarehouseUnavailable):
            await reader.answer("SELECT 1", {})
        warehouse.go.set()
        answers = await asyncio.gather(*asked)
        assert {tuple(answer.names) for answer in answers} == {("a",)}
        await reader.answer("SELECT 1", {})
        reader.close()

    asyncio.run(run())
    assert warehouse.most == AT_ONCE
