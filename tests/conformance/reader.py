"""The smallest worker: a Faust app that reads one topic through a transport's hooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Any

import faust

from pipeline.engine.stage import Record
from pipeline.engine.transports.coalesce import RecordsSchema
from pipeline.engine.transports.kafka import FAUST_SETTINGS

PartitionKey = tuple[str, int]


class Reader:
    """Implements PartitionHooks; keeps what it was handed, by partition."""

    def __init__(self, start: dict[PartitionKey, int]) -> None:
        self.start = start
        self.runs: dict[PartitionKey, list[list[Record]]] = {}
        self._news = asyncio.Event()

    async def resume_positions(self, partitions: set[PartitionKey]) -> dict[PartitionKey, int]:
        return {key: self.start[key] for key in partitions}

    async def partitions_revoked(self, partitions: set[PartitionKey]) -> None:
        """Nothing is held that others could want."""

    def record_damaged(self, text: str) -> None:
        raise AssertionError(text)

    def log_failed(self, error: Exception) -> None:
        raise error

    def offsets(self, key: PartitionKey) -> list[int]:
        """Offsets handed over so far."""
        return [record.offset for run in self.runs.get(key, []) for record in run]

    async def wait_for(self, key: PartitionKey, offset: int) -> None:
        """Until the record at `offset` was handed over."""
        async with asyncio.timeout(30):
            while (self.offsets(key) or [-1])[-1] < offset:
                self._news.clear()
                await self._news.wait()

    async def read(self, stream: Any) -> None:
        """The agent: keep each run, then acknowledge it."""
        async for event in stream.noack().events():
            key = (event.message.topic, event.message.partition)
            self.runs.setdefault(key, []).append(event.value)
            self._news.set()
            await stream.ack(event)


@asynccontextmanager
async def reading(url: str, topic: str, reader: Reader, group: str) -> AsyncIterator[Any]:
    """A running Faust app that feeds `reader`; stopped on leaving."""
    folder = TemporaryDirectory()
    app: Any = faust.App(
        group,
        datadir=folder.name,  # else Faust makes one where the tests were started
        broker=url,
        stream_buffer_maxsize=16,
        stream_wait_empty=False,
        web_enabled=False,
        autodiscover=False,
        **FAUST_SETTINGS,
    )
    app.resume_positions = reader.resume_positions
    app.partitions_revoked = reader.partitions_revoked
    app.record_damaged = reader.record_damaged
    app.log_failed = reader.log_failed
    app.agent(app.topic(topic, schema=RecordsSchema()), name=group)(reader.read)
    await app.start()
    try:
        yield app
    finally:
        await app.stop()
        folder.cleanup()
