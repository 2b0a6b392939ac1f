"""Maintenance tasks of a worker: who does them, and what a warehouse that is away does to them."""

import asyncio
from typing import Any, cast

import pytest

from pipeline import maintenance
from pipeline.engine.runner import Runner
from pipeline.errors import WarehouseUnavailable
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.rejects import trim_rejects
from schemas import topics
from tests.pipeline.web.fakes import FakeWarehouse

TURNS = 50


class Tasks:
    """What a maintenance task asks of a Runner."""

    def __init__(self, *partitions: int) -> None:
        self.tasks = dict.fromkeys(partitions)


class Trims:
    """Remembers the limits that rejects were trimmed to; the first so many times it fails."""

    def __init__(self, fails: int = 0) -> None:
        self.limits: list[int] = []
        self._fails = fails

    async def __call__(self, trim: object, warehouse: Warehouse, limit: int) -> int:
        """In the place of asyncio.to_thread."""
        assert trim is trim_rejects
        self.limits.append(limit)
        await asyncio.sleep(0)
        if len(self.limits) <= self._fails:
            raise WarehouseUnavailable("away")
        return 0


def limited(monkeypatch: pytest.MonkeyPatch, trims: Trims, *partitions: int) -> list[int]:
    monkeypatch.setattr(maintenance, "REJECTS_SECONDS", 0)
    runners = cast(dict[str, Runner], {topics.REJECTS.name: Tasks(*partitions)})

    async def story() -> None:
        monkeypatch.setattr(asyncio, "to_thread", trims)
        task: asyncio.Task[Any] = asyncio.create_task(
            maintenance.limit_rejects(FakeWarehouse(), runners, 7)
        )
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()

    asyncio.run(story())
    return trims.limits


def test_only_the_worker_with_partition_0_limits_rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(limited(monkeypatch, Trims(), 0, 1)) == {7}
    assert limited(monkeypatch, Trims(), 1, 2) == []


def test_a_warehouse_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(limited(monkeypatch, Trims(fails=3), 0)) > 3
