"""Kafka's writing side: outputs and state deltas, each durable on all replicas in sync.

A stage's deltas and snapshots are topics with the data topics' partitions, never compacted. Both
hold large bodies in parts (`pipeline.engine.transports.parts`). What a snapshot covers is deleted with
DeleteRecords: only records that this journal has seen, so that a worker that lost its partition,
and does not know yet, cannot delete its successor's state.
"""

import asyncio
import uuid
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import aclosing
from typing import Any, Final, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from pipeline.engine.stage import Record
from pipeline.engine.transports import parts
from pipeline.engine.transports.contract import Delta, Snapshot
from pipeline.engine.transports.kafka_client import (
    LOG_TOPIC,
    deltas_topic,
    ensure_topics,
    events_header,
    record_of,
    snapshots_topic,
    unavailable,
)
from pipeline.errors import LogUnavailable
from schemas.log_records import Append

_BATCH_BYTES: Final = 950_000
"""The most that is sent to one partition at once: the broker refuses batches over 1 MiB."""

_FETCH_BYTES: Final = 16 * 1024 * 1024
_SEND_SECONDS: Final = 30.0
"""Within it a broker may go and come back unnoticed; aiokafka itself would retry for ever."""

_CLOSE_SECONDS: Final = 5.0
_POLL_MS: Final = 500

Message = tuple[TopicPartition, bytes, list[tuple[str, bytes]]]


class _AppendedRange(NamedTuple):
    """What one append left in a partition: its own records are from `first` until before `after`.

    `alone`: no other writer's record is between them.
    """

    first: int
    after: int
    alone: bool


class _StatePartition:
    """What this journal knows of a state partition: deltas stored from offset `tail` on."""

    def __init__(self) -> None:
        self.tail = 0
        self.deltas: deque[tuple[_AppendedRange, int]] = deque()  # with their `applied`


_COUNTED_AT_ONCE: Final = 500


class KafkaJournal:
    """See `pipeline.engine.transports.contract.Journal`. Made by `open`."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self.log_id = ""
        self.partitions = partitions
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None
        self._producing = asyncio.Lock()
        self._reader = _consumer(bootstrap)
        self._reading = asyncio.Lock()
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._state_partitions: defaultdict[TopicPartition, _StatePartition] = defaultdict(
            _StatePartition
        )

    @classmethod
    async def open(
        cls, bootstrap: str, stages: Sequence[str], partitions: int, replication: int = 1
    ) -> Self:
        """Make what is missing on `bootstrap` ("host:port,…") and connect.

        Raises LogUnavailable, and BadSetting where the log has another number of partitions.
        """
        await ensure_topics(bootstrap, stages, partitions, replication)
        journal = cls(bootstrap, partitions)
        try:
            with unavailable(f"be reached at {bootstrap}"):
                await journal._reader.start()
                await journal._admin.start()
            journal.log_id = await journal._identify()
        except BaseException:
            await journal.close()
            raise
        return journal

    async def _identify(self) -> str:
        """The log's id: its first record. Whoever comes first writes it."""
        if await self.end(LOG_TOPIC, 0) == 0:
            mine = str(uuid.uuid4()).encode()
            await self._send([(TopicPartition(LOG_TOPIC, 0), mine, [])])
        first = await self.read(LOG_TOPIC, 0, 0, 1)
        return first[0].value.decode()

    async def commit(
        self, stage: str, partition: int, outputs: Sequence[Append], delta: Delta
    ) -> None:
        """Append all outputs, await them all, then the delta."""
        await self.append(outputs)
        tp = TopicPartition(deltas_topic(stage), partition)
        pieces = parts.split(delta.applied, [delta.body], lo=delta.lo)
        appended = await self._send((tp, piece, []) for piece in pieces)
        self._state_partitions[tp].deltas.append((appended, delta.applied))

    async def append(self, records: Sequence[Append]) -> None:
        """Append and await all."""
        await self._send(
            (TopicPartition(out.topic, out.partition), out.value, events_header(out.events))
            for out in records
        )

    async def load(
        self, stage: str, partition: int
    ) -> tuple[Snapshot | None, AsyncIterator[Delta]]:
        """The newest complete snapshot, and all deltas kept, up to the ends as of now."""
        tp = TopicPartition(snapshots_topic(stage), partition)
        state_partition = self._state_partitions[tp] = _StatePartition()
        collector = parts.Collector()
        best: Snapshot | None = None
        async for record in self._scan(tp, 0):
            state_partition.tail = record.offset + 1
            group = collector.add(record.value)
            if group is not None and (best is None or group.applied >= best.applied):
                best = Snapshot(group.applied, group.bodies)
        return best, self._deltas(TopicPartition(deltas_topic(stage), partition))

    async def _deltas(self, tp: TopicPartition) -> AsyncIterator[Delta]:
        state_partition = self._state_partitions[tp] = _StatePartition()
        collector = parts.Collector()
        async for record in self._scan(tp, 0):
            state_partition.tail = state_partition.tail or record.offset
            group = collector.add(record.value)
            if group is not None:
                appended = _AppendedRange(record.offset, record.offset + 1, alone=True)
                state_partition.deltas.append((appended, group.applied))
                yield Delta(group.lo, group.applied, b"".join(group.bodies))

    async def snapshot(self, stage: str, partition: int, snapshot: Snapshot) -> None:
        """Store it; then delete the deltas that it covers and the snapshots before it."""
        tp, applied = TopicPartition(snapshots_topic(stage), partition), snapshot.applied
        appended = await self._send(
            (tp, piece, []) for piece in parts.split(applied, snapshot.chunks)
        )
        state_partition = self._state_partitions[tp]
        if await self._covers(tp, state_partition.tail, appended.first, applied):
            state_partition.tail = appended.after if appended.alone else appended.first
            await self._delete(tp, appended.first)
        await self._drop_deltas(TopicPartition(deltas_topic(stage), partition), applied)

    async def _drop_deltas(self, tp: TopicPartition, applied: int) -> None:
        state_partition, before = self._state_partitions[tp], self._state_partitions[tp].tail
        while state_partition.deltas and state_partition.deltas[0][1] <= applied:
            appended, _ = state_partition.deltas[0]
            end = appended.first if appended.alone else appended.after
            if not await self._covers(tp, state_partition.tail, end, applied):
                break
            state_partition.tail = appended.after
            state_partition.deltas.popleft()
        if state_partition.tail > before:
            await self._delete(tp, state_partition.tail)

    async def _covers(self, tp: TopicPartition, start: int, end: int, applied: int) -> bool:
        """Whether a snapshot at `applied` covers all between two offsets, whoever wrote it."""
        if start >= end:
            return True
        async with aclosing(self._scan(tp, start)) as records:
            async for record in records:
                if record.offset >= end:
                    break
                if parts.applied_of(record.value) > applied:
                    return False
        return True

    async def _delete(self, tp: TopicPartition, before: int) -> None:
        if before > 0:
            with unavailable(f"delete what is not needed of {tp.topic}"):
                await self._admin.delete_records({tp: RecordsToDelete(before)})

    async def end(self, topic: str, partition: int) -> int:
        """The offset the next record will get."""
        tp = TopicPartition(topic, partition)
        with unavailable(f"say where {topic} ends"):
            ends = await self._reader.end_offsets([tp])
        return int(ends[tp])

    async def read(self, topic: str, partition: int, start: int, limit: int) -> list[Record]:
        """At most `limit` records from `start`, or from the first one kept after it."""
        tp = TopicPartition(topic, partition)
        end = await self.end(topic, partition)
        records: list[Record] = []
        async with self._reading:
            with unavailable(f"read {topic}"):
                async for batch in _fetch(self._reader, tp, start, end, limit):
                    records.extend(record_of(record) for record in batch)
                    if len(records) >= limit:
                        break
                self._reader.unsubscribe()  # or it would go on fetching
        return records[:limit]

    async def count(self, topic: str, partition: int, start: int) -> int:
        """Events from `start` on; reads the records, for Kafka keeps no sums."""
        events = 0
        while records := await self.read(topic, partition, start, _COUNTED_AT_ONCE):
            events += sum(record.events for record in records)
            start = records[-1].offset + 1
        return events

    async def _scan(self, tp: TopicPartition, start: int) -> AsyncGenerator[Any, None]:
        """Every record kept from `start` to the partition's end as of now, by a client of its own."""
        consumer = _consumer(self._bootstrap)
        with unavailable(f"read {tp.topic}"):
            try:
                await consumer.start()
                end = (await consumer.end_offsets([tp]))[tp]
                async for batch in _fetch(consumer, tp, start, end, None):
                    for record in batch:
                        yield record
            finally:
                await consumer.stop()

    async def _send(self, messages: Iterable[Message]) -> _AppendedRange:
        """Append all and await them all; what is answered holds where they go to one partition.

        After a failure the producer's sequence numbers are in doubt: the next call makes a new one.
        """
        producer = await self._connect()
        try:
            with unavailable("append"):
                async with asyncio.timeout(_SEND_SECONDS):
                    futures = [
                        await producer.send(topic, value, partition=partition, headers=headers)
                        for (topic, partition), value, headers in messages
                    ]
                    results = await _all(futures)
        except LogUnavailable:
            await self._drop(producer)
            raise
        if not results:
            return _AppendedRange(0, 0, alone=True)
        first, after = results[0].offset, results[-1].offset + 1
        return _AppendedRange(first, after, alone=after - first == len(results))

    async def _connect(self) -> AIOKafkaProducer:
        async with self._producing:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    enable_idempotence=True,
                    acks="all",
                    max_batch_size=_BATCH_BYTES,
                )
                with unavailable(f"be reached at {self._bootstrap}"):
                    try:
                        await producer.start()
                    except BaseException:
                        await _abandon(producer)
                        raise
                self._producer = producer
            return self._producer

    async def _drop(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        await _quietly(_abandon(producer))

    async def close(self) -> None:
        """Release connections."""
        if self._producer is not None:
            await self._drop(self._producer)
        await _quietly(self._reader.stop())
        await _quietly(self._admin.close())


def _consumer(bootstrap: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=_POLL_MS,
    )


async def _fetch(
    consumer: AIOKafkaConsumer, tp: TopicPartition, start: int, end: int, limit: int | None
) -> AsyncIterator[list[Any]]:
    """Batches of the records from `start` (or the first one kept) until before `end`."""
    first = (await consumer.beginning_offsets([tp]))[tp]
    position = max(start, first)
    if position >= end:
        return
    consumer.assign([tp])
    consumer.seek(tp, position)
    while position < end:
        try:
            fetched = await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=limit)
        except OffsetOutOfRangeError:  # deleted by a newer snapshot meanwhile
            position = (await consumer.beginning_offsets([tp]))[tp]
            consumer.seek(tp, position)
            continue
        batch = [record for record in fetched.get(tp, ()) if record.offset < end]
        position = await consumer.position(tp)
        if batch:
            yield batch


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close without sending what is left: `stop` alone would wait until the broker has it."""
    await producer._sender.close()
    producer._message_accumulator.fail_all(LogUnavailable("The producer was given up."))
    await producer.stop()


async def _all(futures: Sequence[Awaitable[Any]]) -> list[Any]:
    """Await all, then raise the first error: nothing is left in flight."""
    results = await asyncio.gather(*futures, return_exceptions=True)
    for answer in results:
        if isinstance(answer, BaseException):
            raise answer
    return results


async def _quietly(closing: Awaitable[Any]) -> None:
    """Close a client of a broker that may be away: what it had to say no longer matters."""
    try:
        await asyncio.wait_for(closing, _CLOSE_SECONDS)
    except (KafkaError, TimeoutError, OSError):
        return
