"""How a state becomes bytes and comes back: deltas (what one batch changed) and snapshots (all).

A delta holds absolute values, so applying one is a plain overwrite. Deltas are applied in log
order; one at or below what is applied already is a repeat (a restart's, or a late zombie's) and is
skipped; one that leaves a gap means lost state, and nothing may be built on that.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import msgspec
from msgspec import Raw, Struct

from pipeline.engine.state.keyed import State
from pipeline.engine.transports.contract import Delta, Snapshot
from pipeline.errors import StateDamaged

_NIL: Final = b"\xc0"
_CHUNK_BYTES: Final = 512 * 1024
FORMAT: Final = 2
"""Of the stages' values; state of another format is refused. 1 was without a number."""
Changes = dict[str, dict[str, bytes | None]]


class _Body(Struct, array_like=True):
    seen: dict[str, tuple[int, int]]
    tables: dict[str, dict[str, Raw]]
    format: int = 1


_encode = msgspec.msgpack.Encoder().encode
_decode_body = msgspec.msgpack.Decoder(_Body).decode


def changes_of(state: State) -> Changes:
    """What changed since the last settled delta: table → key → encoded value, None if deleted."""
    return {name: table.changes() for name, table in state.tables.items()}


def delta_of(state: State, changes: Changes, lo: int) -> Delta:
    """The delta from offset `lo` to the state's `applied`."""
    tables = {
        name: {key: Raw(_NIL if value is None else value) for key, value in table.items()}
        for name, table in changes.items()
    }
    return Delta(lo, state.applied, _encode(_Body(state.seen, tables, FORMAT)))


def settle(state: State, changes: Changes) -> None:
    """The delta made of `changes` is durable."""
    for name, table in changes.items():
        state.tables[name].settle(table)


def snapshot_of(state: State) -> Snapshot:
    """The whole settled state in chunks of about half a megabyte, made as they are asked for.

    Nothing may be folded or settled meanwhile.
    """
    return Snapshot(state.applied, _Chunks(state))


class _Chunks:
    """A state's chunks, each time anew."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __iter__(self) -> Iterator[bytes]:
        return _chunks(self._state)


def _chunks(state: State) -> Iterator[bytes]:
    yield _encode(_Body(state.seen, {}, FORMAT))
    for name, table in state.tables.items():
        chunk: dict[str, Raw] = {}
        size = 0
        for key, value in table.encoded().items():
            chunk[key] = Raw(value)
            size += len(key) + len(value)
            if size >= _CHUNK_BYTES:
                yield _encode(_Body({}, {name: chunk}, FORMAT))
                chunk, size = {}, 0
        yield _encode(_Body({}, {name: chunk}, FORMAT))


async def restore(state: State, snapshot: Snapshot | None, deltas: AsyncIterator[Delta]) -> int:
    """Load a fresh state; answers the bytes of deltas read. Raises StateDamaged on a gap."""
    if snapshot is not None:
        for chunk in snapshot.chunks:
            _apply(state, chunk)
        state.applied = snapshot.applied
    size = 0
    async for delta in deltas:
        size += len(delta.body)
        if delta.applied <= state.applied:
            continue
        if delta.lo > state.applied + 1:
            raise StateDamaged(
                f"A state delta starts at offset {delta.lo}, but the state ends at {state.applied}: "
                f"deltas between are missing. Put log, state and warehouse back from one copy, or run "
                f"`footfall rebuild`."
            )
        _apply(state, delta.body)
        state.applied = delta.applied
    return size


def _apply(state: State, chunk: bytes) -> None:
    try:
        body = _decode_body(chunk)
        if body.format != FORMAT:
            raise StateDamaged(
                f"The state was written by another version of Footfall (format {body.format}; this "
                f"version reads {FORMAT}). Run that version, or begin with a new log and warehouse."
            )
        for name, table in body.tables.items():
            values = dict(zip(table, map(bytes, table.values()), strict=True))
            deleted = [k for k, v in values.items() if v == _NIL] if _NIL in values.values() else []
            for key in deleted:
                del values[key]
            state.tables[name].load(values, deleted)
    except (msgspec.DecodeError, KeyError) as error:
        raise StateDamaged(f"A stored state cannot be read: {error}.") from error
    state.seen.update(body.seen)
