"""The product made wrong, each time in one way, from outside: what the fault suite must notice.

A mutation is a context manager; a process that is to stay wrong enters it and never leaves.
"""

import asyncio
from bisect import insort
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from inspect import signature
from typing import Any, Final
from unittest.mock import patch

from collectors.producers.base import GroupCommit
from pipeline.engine import batch_writer, partition_task
from pipeline.engine.batch_writer import BatchWriter
from pipeline.engine.fold import Fold
from pipeline.engine.outputs import records_of
from pipeline.engine.stage import Emit
from pipeline.engine.state.deltas import restore
from pipeline.engine.state.keyed import State
from pipeline.engine.transports.contract import Delta, Snapshot
from pipeline.errors import Retryable
from pipeline.stages.visits import arrivals, dedup_index
from pipeline.warehouse.sink import Sink

Mutation = Callable[[], AbstractContextManager[object]]


def ack_early() -> AbstractContextManager[object]:
    """The delta is durable before the rows are."""

    async def persist(self: BatchWriter, emit: Emit, delta: Delta) -> None:
        outputs = list(records_of(emit.outputs, self.journal.partitions))
        journal, key = self.journal, (self.stage, self.partition)
        await _until_taken(self, lambda: journal.commit(*key, outputs, delta))
        await _until_taken(self, lambda: self._store(emit.rows))

    return _instead(BatchWriter, "persist", persist)


def delta_before_outputs() -> AbstractContextManager[object]:
    """The delta says that a record is done; then its outputs are appended."""

    async def persist(self: BatchWriter, emit: Emit, delta: Delta) -> None:
        outputs = list(records_of(emit.outputs, self.journal.partitions))
        journal, key = self.journal, (self.stage, self.partition)
        await _until_taken(self, lambda: self._store(emit.rows))
        await _until_taken(self, lambda: journal.commit(*key, [], delta))
        await _until_taken(self, lambda: journal.append(outputs))

    return _instead(BatchWriter, "persist", persist)


def no_seen_check() -> AbstractContextManager[object]:
    """What a repeated output's origin says is forgotten at once."""
    return patch.object(State, "seen", _Oblivion(), create=True)


def no_read_back() -> AbstractContextManager[object]:
    """A new worker inserts all it folds again."""
    return _instead(Sink, "read_back", lambda *place: {})


def read_back_for_one_batch() -> AbstractContextManager[object]:
    """What was read back is forgotten after a batch that ends before the dead worker's did."""
    write = BatchWriter._write

    def forgetful(self: BatchWriter, rows: Any) -> None:
        write(self, rows)
        self._existing = {}

    return _instead(BatchWriter, "_write", forgetful)


def failed_insert_taken_for_done() -> AbstractContextManager[object]:
    """A warehouse that is away is not asked again."""
    write = Sink.write

    def careless(self: Sink, *args: Any) -> None:
        try:
            write(self, *args)
        except Retryable:
            return

    return _instead(Sink, "write", careless)


def key_compacted_deltas() -> AbstractContextManager[object]:
    """Only the newest value of a key is kept, whoever wrote it; `applied` is the newest's."""

    async def compacted(
        state: State, snapshot: Snapshot | None, deltas: AsyncIterator[Delta]
    ) -> int:
        found = [delta async for delta in deltas]
        await restore(state, snapshot, _none())
        for delta in found:
            await _overwrite(state, delta)
        return 0

    return _instead(partition_task, "restore", compacted)


def repeated_deltas_applied() -> AbstractContextManager[object]:
    """Loading applies a delta at or below `applied`; `applied` itself stays right."""

    async def trusting(
        state: State, snapshot: Snapshot | None, deltas: AsyncIterator[Delta]
    ) -> int:
        await restore(state, snapshot, _none())
        async for delta in deltas:
            applied = state.applied
            await _overwrite(state, delta)
            state.applied = max(applied, state.applied)
        return 0

    return _instead(partition_task, "restore", trusting)


def places_counted_per_batch() -> AbstractContextManager[object]:
    """An output's ordinal and a row's index depend on where the batch began."""

    def begin(self: Emit, offset: int) -> None:
        self._offset = offset

    return _instead(Emit, "begin", begin)


def no_rolling_back() -> AbstractContextManager[object]:
    """What a record changed before it made its stage raise stays changed."""
    return _instead(Fold, "_roll_back", lambda self: None)


@contextmanager
def no_recognition_of_repeats() -> Iterator[None]:
    """A message that is sent again counts again."""

    def remember(device: Any, recent: Any) -> int:
        insort(device.events, recent)
        return int(device.events.index(recent))

    with (
        _instead(arrivals, "knows", lambda device, message_id, server_type: False),
        _instead(arrivals, "remember", remember),
        _instead(dedup_index, "remember", lambda table, key, digest: [key]),
    ):
        yield


def promised_before_durable() -> AbstractContextManager[object]:
    """The collector answers 2xx when it has queued an event."""
    append = GroupCommit.append
    queued = set[asyncio.Task[None]]()

    async def hasty(self: GroupCommit, events: Any, rejects: Any) -> None:
        task = asyncio.create_task(append(self, events, rejects))
        queued.add(task)
        task.add_done_callback(queued.discard)

    return _instead(GroupCommit, "append", hasty)


IN_PROCESS: Final[Mapping[str, Mutation]] = {
    "ack early": ack_early,
    "delta before outputs": delta_before_outputs,
    "no `seen` check": no_seen_check,
    "no read-back": no_read_back,
    "read-back for one batch only": read_back_for_one_batch,
    "failed insert taken for done": failed_insert_taken_for_done,
    "key-compacted deltas": key_compacted_deltas,
    "repeated deltas applied": repeated_deltas_applied,
    "places counted per batch": places_counted_per_batch,
    "state not rolled back": no_rolling_back,
    "re-sent messages counted again": no_recognition_of_repeats,
}
"""Wrong in the worker: a simulated world shows it."""

IN_PROCESSES: Final[Mapping[str, Mutation]] = {
    "2xx before it is durable": promised_before_durable,
}
"""Wrong in the collector: only a process that is killed shows it."""

MUTATIONS: Final = {**IN_PROCESS, **IN_PROCESSES}


def _instead(owner: Any, name: str, wrong: Callable[..., Any]) -> AbstractContextManager[object]:
    """`wrong` for what it takes the place of. Raises where that is gone, or is called otherwise now:
    a mutant that fails for this has shown nothing."""
    signature(wrong).bind(*signature(getattr(owner, name)).parameters)
    return patch.object(owner, name, wrong)


class _Oblivion:
    """A descriptor: empty whenever it is read, whatever was written."""

    def __get__(self, state: object, owner: type) -> dict[str, tuple[int, int]]:
        return {}

    def __set__(self, state: object, value: object) -> None:
        """Forget it."""


async def _overwrite(state: State, delta: Delta) -> None:
    """Load a delta as if it were the next one."""
    state.applied = delta.lo - 1

    async def one() -> AsyncIterator[Delta]:
        yield delta

    await restore(state, None, one())


async def _none() -> AsyncIterator[Delta]:
    nothing: tuple[Delta, ...] = ()
    for delta in nothing:
        yield delta


async def _until_taken(writer: BatchWriter, step: Callable[[], Awaitable[None]]) -> None:
    """One step of the protocol, again until the warehouse or the log has taken it."""
    while True:
        try:
            await step()
            return
        except Retryable:
            writer._in_doubt = True
            await asyncio.sleep(batch_writer.RETRY_SECONDS[0])
