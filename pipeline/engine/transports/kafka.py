"""Kafka's reading side: Faust's aiokafka transport, `footfallkafka://host:port`, put right.

What differs from Faust's: positions come from the runner and not from committed offsets; adjacent
records are one message; what is committed is the newest acknowledged offset and only a gauge, so
that a failed commit ends nothing.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast

from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from pipeline.engine.stage import Record
from pipeline.engine.transports.coalesce import runs
from pipeline.engine.transports.contract import PartitionHooks
from pipeline.engine.transports.in_order import InOrder, Producer
from pipeline.engine.transports.kafka_client import record_of

FAUST_SETTINGS: Final[Mapping[str, Any]] = {
    # A killed worker's partitions are given away after the session timeout; 6 s is the least that
    # a broker grants by default. Heartbeats are sent from the consumer's own thread.
    "broker_session_timeout": 6.0,
    "broker_heartbeat_interval": 1.5,
    # How long a rebalance waits for a worker that is finishing its batch.
    "broker_rebalance_timeout": 30.0,
    # Bounds loading of state after an assignment, too: see `Consumer.perform_seek`.
    "broker_request_timeout": 90.0,
    # A warehouse that is away stops fetching, perhaps for hours: that is no reason to rebalance.
    "broker_max_poll_interval": 86_400.0,
    "consumer_max_fetch_size": 4 * 1024 * 1024,
    "consumer_auto_offset_reset": "earliest",
    # Without tables and standbys, Faust shares partitions out round-robin and needs no leader.
    "table_standby_replicas": 0,
    "topic_disable_leader": True,
}
"""Settings of the Faust app that belong to this transport."""

_COMMIT_SECONDS: Final = 10.0
_SEEK_SHARE: Final = 0.9


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, except that a commit that fails is told, not fatal."""

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        consumer = self._ensure_consumer()
        assigned = self.assignment()
        committable = {
            driver.ensure_aiokafka_TP(tp): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if tp in assigned
        }
        try:
            await asyncio.wait_for(consumer.commit(committable), _COMMIT_SECONDS)
        except (KafkaError, TimeoutError) as error:
            self.log.warning("Offsets were not committed (they are only a gauge): %r", error)
            return False
        return True


class Consumer(InOrder, driver.Consumer):
    """Hands over runs of records from where the app's `PartitionHooks` say."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hooks = cast(PartitionHooks, self.app)
        self._seeking = asyncio.Lock()
        self._assigned = False
        self._positions: dict[TP, int] | None = None

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop the flow, let the runner end its tasks, then let Faust forget the partitions.

        The group's rebalance waits for this, so nobody else has the partitions before.
        """
        self._assigned, self._positions = False, None
        self.stop_flow()
        self.app.flow_control.suspend()
        if revoked:
            await self._hooks.partitions_revoked(_plain(revoked))
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Faust prepares its streams, and then calls `perform_seek`."""
        self._assigned = True
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Seek to where the runner wants to read on; asked once for each assignment.

        Faust calls this after an assignment, and again when records arrived while the flow was
        stopped: then nothing was handed over since, and the same positions hold.
        Raises TimeoutError before Faust's own time limit, which would end recovery in silence.
        """
        limit = self.app.conf.broker_request_timeout * _SEEK_SHARE
        async with asyncio.timeout(limit), self._seeking:
            if not self._assigned:
                return
            try:
                if self._positions is None:
                    self._positions = await self._resolve(self.assignment())
                await self.seek_wait(self._positions)
            except IllegalStateError:  # revoked meanwhile; the next assignment seeks again
                self._positions = None

    async def _resolve(self, assigned: set[TP]) -> dict[TP, int]:
        next_offsets = await self._hooks.resume_positions(_plain(assigned))
        earliest = await self.earliest_offsets(
            *assigned
        )  # retention may have deleted what is wanted
        positions = {tp: max(next_offsets.get(tp, 0), earliest[tp]) for tp in assigned}
        self._committed_offset.update(dict.fromkeys(assigned))
        return positions

    async def _seek(self, partition: TP, offset: int) -> None:
        await self.seek_wait({partition: offset})  # in the client's own thread

    async def _getmany(
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109 (Faust's)
    ) -> Mapping[TP, list[list[Record]]]:
        fetched = await super()._getmany(active_partitions, timeout)
        return {
            ensure_TP(tp): list(runs([record_of(record) for record in records]))
            for tp, records in fetched.items()
        }

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's check compares record times with the monotonic clock: it cries on idle topics."""


def _plain(partitions: set[TP]) -> set[tuple[str, int]]:
    return {(tp.topic, tp.partition) for tp in partitions}


class Transport(driver.Transport):
    """Registered as `footfallkafka` under Faust's entry point `faust.transports`."""

    Consumer: ClassVar[type] = Consumer
    Producer: ClassVar[type] = Producer
