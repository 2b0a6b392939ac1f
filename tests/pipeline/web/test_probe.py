"""The container's health check."""

import asyncio
from typing import Any

from aiohttp.test_utils import TestClient, unused_port

from pipeline.web.probe import ready
from tests.pipeline.web.fakes import FakeWarehouse, visit


def probed(worker_ready: bool) -> bool:
    async def steps(client: TestClient[Any, Any]) -> bool:
        assert client.port is not None
        return await asyncio.to_thread(ready, client.port)

    return visit(FakeWarehouse(), steps, ready=worker_ready)


def test_it_passes_on_what_the_process_says() -> None:
    assert probed(True)
    assert not probed(False)


def test_a_process_that_is_not_there_is_not_ready() -> None:
    assert not ready(unused_port())
