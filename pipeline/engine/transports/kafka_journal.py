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
from pipeline.engine.transports.contract import Append, Delta, Snapshot
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

_BATCH_BYTES: Final = 950_000
"""The most that is sent to one partition at once: the broker refuses batches over 1 MiB."""

_FETCH_BYTES: Final = 16 * 1024 * 1024
_SEND_SECONDS: Final = 30.0
"""Within it a broker may go and come back unnoticed; aiokafka itself would retry for ever."""

_CLOSE_SECONDS: Final = 5.0
_POLL_MS: Final = 500

Message = tuple[TopicPartition, bytes, list[tuple[str, bytes]]]


class _Sent(NamedTuple):
    """What one append left in a partition: its own records are from `first` until before `after`.

    `alone`: no other writer's record is between them.
    """

    first: int
    after: int
    alone: bool


class _Known:
    """What this journal knows of a state partition: deltas stored from offset `tail` on."""

    def __init__(self) -> None:
        self.tail = 0
        self.deltas: deque[tuple[_Sent, int]] = deque()  # with their `applied`


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
        self._known: defaultdict[TopicPartition, _Known] = defaultdict(_Known)

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
        home = TopicPartition(deltas_topic(stage), partition)
        pieces = parts.split(delta.applied, [delta.body], lo=delta.lo)
        sent = await self._send((home, piece, []) for piece in pieces)
        self._known[home].deltas.append((sent, delta.applied))

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
        home = TopicPartition(snapshots_topic(stage), partition)
        known = self._known[home] = _Known()
        collector = parts.Collector()
        best: Snapshot | None = None
        async for record in self._scan(home, 0):
            known.tail = record.offset + 1
            whole = collector.add(record.value)
            if whole is not None and (best is None or whole.applied >= best.applied):
                best = Snapshot(whole.applied, whole.bodies)
        return best, self._deltas(TopicPartition(deltas_topic(stage), partition))

    async def _deltas(self, home: TopicPartition) -> AsyncIterator[Delta]:
        known = self._known[home] = _Known()
        collector = parts.Collector()
        async for record in self._scan(home, 0):
            known.tail = known.tail or record.offset
            whole = collector.add(record.value)
            if whole is not None:
                sent = _Sent(record.offset, record.offset + 1, alone=True)
                known.deltas.append((sent, whole.applied))
                yield Delta(whole.lo, whole.applied, b"".join(whole.bodies))

    async def snapshot(self, stage: str, partition: int, snapshot: Snapshot) -> None:
        """Store it; then delete the deltas that it covers and the snapshots before it."""
        home, applied = TopicPartition(snapshots_topic(stage), partition), snapshot.applied
        sent = await self._send(
            (home, piece, []) for piece in parts.split(applied, snapshot.chunks)
        )
        known = self._known[home]
        if await self._covered(home, known.tail, sent.first, applied):
            known.tail = sent.after if sent.alone else sent.first
            await self._delete(home, sent.first)
        await self._drop_deltas(TopicPartition(deltas_topic(stage), partition), applied)

    async def _drop_deltas(self, home: TopicPartition, applied: int) -> None:
        known, before = self._known[home], self._known[home].tail
        while known.deltas and known.deltas[0][1] <= applied:
            sent, _ = known.deltas[0]
            end = sent.first if sent.alone else sent.after
            if not await self._covered(home, known.tail, end, applied):
                break
            known.tail = sent.after
            known.deltas.popleft()
        if known.tail > before:
            await self._delete(home, known.tail)

    async def _covered(self, home: TopicPartition, start: int, end: int, applied: int) -> bool:
        """Whether a snapshot at `applied` covers all between two offsets, whoever wrote it."""
        if start >= end:
            return True
        async with aclosing(self._scan(home, start)) as records:
            async for record in records:
                if record.offset >= end:
                    break
                if parts.applied_of(record.value) > applied:
                    return False
        return True

    async def _delete(self, home: TopicPartition, before: int) -> None:
        if before > 0:
            with unavailable(f"delete what is not needed of {home.topic}"):
                await self._admin.delete_records({home: RecordsToDelete(before)})

    async def end(self, topic: str, partition: int) -> int:
        """The offset the next record will get."""
        home = TopicPartition(topic, partition)
        with unavailable(f"say where {topic} ends"):
            ends = await self._reader.end_offsets([home])
        return int(ends[home])

    async def read(self, topic: str, partition: int, start: int, limit: int) -> list[Record]:
        """At most `limit` records from `start`, or from the first one kept after it."""
        home = TopicPartition(topic, partition)
        end = await self.end(topic, partition)
        records: list[Record] = []
        async with self._reading:
            with unavailable(f"read {topic}"):
                async for batch in _fetch(self._reader, home, start, end, limit):
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

    async def _scan(self, home: TopicPartition, start: int) -> AsyncGenerator[Any, None]:
        """Every record kept from `start` to the partition's end as of now, by a client of its own."""
        consumer = _consumer(self._bootstrap)
        with unavailable(f"read {home.topic}"):
            try:
                await consumer.start()
                end = (await consumer.end_offsets([home]))[home]
                async for batch in _fetch(consumer, home, start, end, None):
                    for record in batch:
                        yield record
            finally:
                await consumer.stop()

    async def _send(self, messages: Iterable[Message]) -> _Sent:
        """Append all and await them all; what is answered holds where they go to one partition.

        After a failure the producer's sequence numbers are in doubt: the next call makes a new one.
        """
        producer = await self._connected()
        try:
            with unavailable("append"):
                async with asyncio.timeout(_SEND_SECONDS):
                    futures = [
                        await producer.send(topic, value, partition=partition, headers=headers)
                        for (topic, partition), value, headers in messages
                    ]
                    done = await _all(futures)
        except LogUnavailable:
            await self._drop(producer)
            raise
        if not done:
            return _Sent(0, 0, alone=True)
        first, after = done[0].offset, done[-1].offset + 1
        return _Sent(first, after, alone=after - first == len(done))

    async def _connected(self) -> AIOKafkaProducer:
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
    consumer: AIOKafkaConsumer, home: TopicPartition, start: int, end: int, limit: int | None
) -> AsyncIterator[list[Any]]:
    """Batches of the records from `start` (or the first one kept) until before `end`."""
    first = (await consumer.beginning_offsets([home]))[home]
    position = max(start, first)
    if position >= end:
        return
    consumer.assign([home])
    consumer.seek(home, position)
    while position < end:
        try:
            fetched = await consumer.getmany(home, timeout_ms=_POLL_MS, max_records=limit)
        except OffsetOutOfRangeError:  # deleted by a newer snapshot meanwhile
            position = (await consumer.beginning_offsets([home]))[home]
            consumer.seek(home, position)
            continue
        batch = [record for record in fetched.get(home, ()) if record.offset < end]
        position = await consumer.position(home)
        if batch:
            yield batch


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close without sending what is left: `stop` alone would wait until the broker has it."""
    await producer._sender.close()
    producer._message_accumulator.fail_all(LogUnavailable("The producer was given up."))
    await producer.stop()


async def _all(futures: Sequence[Awaitable[Any]]) -> list[Any]:
    """Await all, then raise the first error: nothing is left in flight."""
    done = await asyncio.gather(*futures, return_exceptions=True)
    for answer in done:
        if isinstance(answer, BaseException):
            raise answer
    return done


async def _quietly(closing: Awaitable[Any]) -> None:
    """Close a client of a broker that may be away: what it had to say no longer matters."""
    try:
        await asyncio.wait_for(closing, _CLOSE_SECONDS)
    except (KafkaError, TimeoutError, OSError):
        return
