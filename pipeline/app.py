"""The Faust app: one agent per `AgentSpec` of the flow, which feeds its runner."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import faust
import structlog
from faust.exceptions import ConsumerNotStarted
from faust.tables.manager import TableManager
from faust.types import TP

from pipeline.engine.batch_queue import RecordBatch
from pipeline.engine.runner import Runner
from pipeline.engine.transports.coalesce import RecordsSchema
from pipeline.engine.transports.kafka import FAUST_SETTINGS
from pipeline.errors import FootfallError, Retryable
from pipeline.flow import FLOW, AgentSpec
from schemas.store_urls import EmbeddedLog, KafkaLog, LogUrl, log_url

log = structlog.get_logger()

GROUP: Final = "footfall"


class App(faust.App):
    """A Faust app whose positions are its runners' (`transports.contract.PartitionHooks`)."""

    runners: Mapping[str, Runner]
    failed: "asyncio.Future[None]"
    on_damage: Callable[[str], None] = staticmethod(lambda text: None)

    def record_damaged(self, text: str) -> None:
        """Tell of a record that is not what was written."""
        log.error("record_damaged", record=text)
        self.on_damage(text)

    def log_failed(self, error: Exception) -> None:
        """Let the worker end by it, unless it may pass."""
        if isinstance(error, Retryable):
            log.warning("log_away", error=str(error))
        elif not self.failed.done():
            self.failed.set_exception(error)

    def _create_directories(self) -> None:
        """None: there are no tables, and a folder with a known name in /tmp may be anybody's."""

    def assigned(self) -> set[tuple[str, int]]:
        """The (topic, partition)s this worker has now; empty until Kafka or the log has said."""
        try:
            return set(self.consumer.assignment())
        except ConsumerNotStarted:
            return set()

    async def resume_positions(
        self, partitions: set[tuple[str, int]]
    ) -> dict[tuple[str, int], int]:
        """Load state where it is not loaded; the next offset wanted of each partition."""
        try:
            return {
                (topic, partition): await self.runners[topic].resume(partition)
                for topic, partition in sorted(partitions)
                if topic in self.runners
            }
        except FootfallError as error:
            self.log_failed(error)
            raise

    async def partitions_revoked(self, partitions: set[tuple[str, int]]) -> None:
        """End the partition tasks of these partitions."""
        await asyncio.gather(
            *(
                self.runners[topic].revoke(partition)
                for topic, partition in sorted(partitions)
                if topic in self.runners
            )
        )


class NoTables(TableManager):
    """Faust waits a second for tables that are declared late; there are none."""

    async def on_start(self) -> None:
        """Begin at once."""
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


def make_app(url: str, runners: Mapping[str, Runner], partitions: int) -> App:
    """The app for a log's URL; `runners` by topic name."""
    app = App(
        GROUP,
        broker=_broker(log_url(url)),
        web_enabled=False,
        topic_allow_declare=False,
        topic_partitions=partitions,
        stream_buffer_maxsize=16,
        stream_wait_empty=False,
        autodiscover=False,
        TableManager=NoTables,
        **FAUST_SETTINGS,
    )
    app.runners = runners
    app.failed = asyncio.get_event_loop().create_future()
    for spec in FLOW:
        _add_agent(app, spec, runners[spec.reads.name])
    return app


def _broker(log: LogUrl) -> str:
    """The URL by which Faust finds the transport, under the names of pyproject's entry points."""
    if isinstance(log, EmbeddedLog):
        return f"embedded://{Path(log.directory).resolve()}"
    assert isinstance(log, KafkaLog)  # settings take no other
    return f"footfallkafka://{log.bootstrap}"


def _add_agent(app: App, spec: AgentSpec, runner: Runner) -> None:
    topic = app.topic(spec.reads.name, schema=RecordsSchema())
    app.agent(topic, name=spec.agent)(_agent(app, runner))


def _agent(app: App, runner: Runner) -> Callable[[Any], Awaitable[None]]:
    async def feed_runner(stream: Any) -> None:
        async for event in stream.noack().events():
            message = event.message
            batch = RecordBatch(message.value, partial(app.consumer.ack, message))
            if not await runner.feed(message.partition, batch):
                tp = TP(message.topic, message.partition)
                await cast(Any, app.consumer).seek(tp, await runner.resume(message.partition))

    return feed_runner
