"""Events and rejects → durable records in the log, gathered into micro-batches (group commit).

While one commit runs, requests gather into the next; so the busier the collector, the larger its
records. Embedded log and Kafka differ only in their `Writer`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Final, Protocol

import msgspec

from collectors import limits
from collectors.errors import LogDamaged, Overloaded
from schemas import topics
from schemas.events import Event, key_of, tick
from schemas.log_records import Append
from schemas.partitioner import partition_of
from schemas.rejects import Reject

PACE_SECONDS: Final = 0.005
"""Commits start no closer together than this: a record costs its reader 0.4 ms, an event 10 µs."""


class Writer(Protocol):
    """A log's blocking side. All calls come from one thread, one at a time."""

    def write(self, records: Sequence[Append]) -> None:
        """Append in order. Durable when it returns; raises Overloaded where it could not, and
        LogDamaged where it never will."""

    def close(self) -> None:
        """Release files and connections."""


class Producer(Protocol):
    """What the endpoint and the importer write to."""

    @property
    def trouble(self) -> str:
        """Why the newest write failed; empty where it succeeded."""

    @property
    def waiting(self) -> int:
        """Bytes gathered and not yet durable."""

    def append(self, events: Sequence[Event], rejects: Sequence[Reject]) -> Awaitable[None]:
        """Durable once awaited. Raises Overloaded: no promise was made, send again later.

        It keeps no hold on the events while it waits: they are better forgotten by its caller too.
        After Overloaded, part of the events may still be in the log (never on the embedded
        log): a re-send with the same message ids counts them once.
        """

    async def tick(self, now: int) -> None:
        """Write the time, ms, to every partition of events, after all that was appended before.

        Raises LogDamaged, also where an append met it: requests get Overloaded then.
        """

    async def close(self) -> None:
        """Write what is gathered, then release the log."""


class _Lines:
    """One partition's share of the next commit, cut into records of at most MAX_RECORD_BYTES."""

    __slots__ = ("_chunks", "_events", "_size", "partition", "records", "topic")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic, self.partition = topic, partition
        self.records: list[Append] = []
        self._chunks: list[bytes] = []
        self._events, self._size = 0, 0

    def add(self, lines: bytes, events: int) -> None:
        """`lines` end with a newline each."""
        if len(lines) > topics.MAX_RECORD_BYTES and events > 1:
            for line in lines[:-1].split(b"\n"):
                self.add(line + b"\n", 1)
            return
        if self._size + len(lines) > topics.MAX_RECORD_BYTES:
            self.seal()
        self._chunks.append(lines)
        self._events += events
        self._size += len(lines)

    def add_tick(self, line: bytes) -> None:
        """A tick is a record of its own that counts no event."""
        self.seal()
        self.records.append(Append(self.topic, self.partition, 0, line))

    def seal(self) -> None:
        if self._chunks:
            value = b"".join(self._chunks)[:-1]
            self.records.append(Append(self.topic, self.partition, self._events, value))
            self._chunks, self._events, self._size = [], 0, 0


class _Commit:
    """What the next commit will write, and who waits for it."""

    __slots__ = ("lines", "size", "waiters")

    def __init__(self) -> None:
        self.lines: dict[tuple[str, int], _Lines] = {}
        self.waiters: list[asyncio.Future[None]] = []
        self.size = 0

    def of(self, topic: str, partition: int) -> _Lines:
        lines = self.lines.get((topic, partition))
        if lines is None:
            lines = self.lines[topic, partition] = _Lines(topic, partition)
        return lines

    def records(self) -> Iterator[Append]:
        for lines in self.lines.values():
            lines.seal()
            yield from lines.records


class GroupCommit:
    """A Producer over any Writer. Use from one event loop."""

    def __init__(
        self,
        writer: Writer,
        partitions: int,
        *,
        executor: ThreadPoolExecutor | None = None,
        max_waiting: int = limits.MAX_WAITING,
        on_commit: Callable[[int, float], None] = lambda size, seconds: None,
    ) -> None:
        """`executor` must have one thread. `on_commit` hears of each commit's bytes and seconds."""
        self._writer, self._partitions, self._max_waiting = writer, partitions, max_waiting
        self._executor = executor or ThreadPoolExecutor(1, thread_name_prefix="log-writer")
        self._on_commit = on_commit
        encoder = msgspec.json.Encoder()
        self._encode, self._encode_lines = encoder.encode, encoder.encode_lines
        self._next = _Commit()
        self._writing = 0
        self._flusher: asyncio.Task[None] | None = None
        self._closed = False
        self._damage: LogDamaged | None = None
        self.trouble = ""

    @property
    def waiting(self) -> int:
        """Bytes gathered and not yet durable."""
        return self._next.size + self._writing

    async def append(self, events: Sequence[Event], rejects: Sequence[Reject]) -> None:
        """See `Producer.append`."""
        chunks = self._chunks(topics.EVENTS.name, zip(map(key_of, events), events, strict=True))
        if rejects:
            chunks += self._chunks(topics.REJECTS.name, ((item.site, item) for item in rejects))
        del events, rejects  # as bytes they take less room, and fit into the caches while they wait
        size = sum(len(lines) for _, _, lines, _ in chunks)
        self._admit(size)
        for topic, partition, lines, count in chunks:
            self._next.of(topic, partition).add(lines, count)
        await self._durable(size)

    def _chunks(
        self, topic: str, keyed: Iterable[tuple[str, Event | Reject]]
    ) -> list[tuple[str, int, bytes, int]]:
        """Topic, partition, lines and their number, for each partition that gets something."""
        parted: dict[int, list[Event | Reject]] = {}
        for key, item in keyed:
            parted.setdefault(partition_of(key, self._partitions), []).append(item)
        encode = self._encode_lines
        return [
            (topic, partition, encode(sample), len(sample)) for partition, sample in parted.items()
        ]

    async def tick(self, now: int) -> None:
        """See `Producer.tick`. Raises LogDamaged and Overloaded."""
        line = self._encode(tick(now))
        if self._damage is not None:
            raise self._damage
        self._admit(len(line) * self._partitions)
        for partition in range(self._partitions):
            self._next.of(topics.EVENTS.name, partition).add_tick(line)
        await self._durable(len(line) * self._partitions)

    async def close(self) -> None:
        """Write what is gathered, then release the log."""
        self._closed = True
        if self._flusher is not None:
            await self._flusher
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._writer.close)
        self._executor.shutdown(wait=False)

    def _admit(self, size: int) -> None:
        if self._closed:
            raise Overloaded("The collector is stopping.")
        if self._writing and self.trouble:
            raise Overloaded("The log could not be written; it is being tried again.")
        if self.waiting + size > self._max_waiting:
            raise Overloaded(f"{self.waiting} bytes wait for the log already.")

    async def _durable(self, size: int) -> None:
        loop = asyncio.get_running_loop()
        durable = loop.create_future()
        self._next.waiters.append(durable)
        self._next.size += size
        if self._flusher is None:
            self._flusher = loop.create_task(self._flush())
        await durable

    async def _flush(self) -> None:
        try:
            while self._next.waiters:
                commit, self._next = self._next, _Commit()
                self._writing = commit.size
                seconds = await self._write(commit)
                self._writing = 0
                if self._next.waiters and seconds < PACE_SECONDS and not self._closed:
                    await asyncio.sleep(PACE_SECONDS - seconds)
        finally:
            self._writing = 0
            self._flusher = None

    async def _write(self, commit: _Commit) -> float:
        start = monotonic()
        failure: Overloaded | None = Overloaded("The log's writer failed; see the program's log.")
        try:
            records = list(commit.records())
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, self._writer.write, records)
            failure = None
        except Overloaded as error:
            failure = error
        except LogDamaged as error:
            self._damage, failure = error, Overloaded(str(error))
        finally:
            self.trouble = "" if failure is None else str(failure)
            _settle(commit.waiters, failure)
        seconds = monotonic() - start
        self._on_commit(commit.size, seconds)
        return seconds


def _settle(waiters: Sequence[asyncio.Future[None]], failure: Overloaded | None) -> None:
    for waiter in waiters:
        if waiter.done():  # its request was cancelled
            continue
        if failure is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(failure)


class NullWriter:
    """Writes nowhere: what is in front of the log can be measured by itself."""

    def write(self, records: Sequence[Append]) -> None:
        """Forget."""

    def close(self) -> None:
        """Nothing is open."""
