"""Keyed values of a stage, kept encoded and decoded on demand, with what changed since the last delta.

A million devices are a million small byte strings: loading a snapshot decodes none of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from pipeline.engine.state.settled_values import SettledValues
from schemas.origins import Origin

V = TypeVar("V")
W = TypeVar("W")

LIVE_LIMIT = 2_000
"""Decoded values kept beside their bytes. Past it, those not used since they last were so many are let
go: a decoded device takes some 3 kB, and there are tables of all partitions."""


class Keyed(Generic[V]):
    """A mapping from text to values of one type. A changed value must be `put` again."""

    def __init__(self, kind: type[V], rests: Callable[[bytes], bool] = lambda _: False) -> None:
        """`rests` says of an encoded value whether it will hardly change soon; see SettledValues."""
        self._raw = SettledValues(rests)
        self._live: dict[str, V] = {}
        self._idle: dict[str, V] = {}  # settled, and not used since
        # A dict, not a set: deltas have one order. With what is encoded already; b"": deleted.
        self._dirty: dict[str, bytes | None] = {}
        self._unsized: dict[str, None] = {}  # put or deleted since sizes were counted
        self._dirty_sizes: dict[str, int] = {}  # of what is dirty
        self._size = 0
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._encode = msgspec.msgpack.Encoder().encode

    def __len__(self) -> int:
        """How many keys have a value, changes included. Takes as many steps as there are changes."""
        live, raw = self._live, self._raw
        return len(raw) + sum((key in live) - (key in raw) for key in self._dirty)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def get(self, key: str) -> V | None:
        """The value, or None. Values are mutable: `put` after changing one."""
        value = self._live.get(key)
        if value is None:
            raw = self._raw.value(key)
            if raw is None or key in self._dirty:
                return None
            value = self._live[key] = self._idle.pop(key, None) or self._decode(raw)
        return value

    def put(self, key: str, value: V) -> None:
        """Set a value; it is in the next delta."""
        self._live[key] = value
        self._idle.pop(key, None)
        self._dirty[key] = None
        self._unsized[key] = None

    def delete(self, key: str) -> None:
        """Forget a key; the next delta says so."""
        self._live.pop(key, None)
        self._idle.pop(key, None)
        self._dirty[key] = b""
        self._unsized[key] = None

    def items(self) -> Iterator[tuple[str, V]]:
        """Every key and value, in key order (costly: decodes all)."""
        for key in sorted(self._raw.keys() | self._live.keys()):
            value = self.get(key)
            if value is not None:
                yield key, value

    def each(self) -> Iterator[tuple[str, V]]:
        """As `items`, but in any order, and what is decoded for it is not kept."""
        return self.each_as(self._decode)

    def each_as(self, decode: Callable[[bytes], W]) -> Iterator[tuple[str, V | W]]:
        """As `each`; settled values are decoded by `decode`, which may look at their beginning only."""
        live = self._live
        for key, raw in self._raw.items():
            if key not in self._dirty:
                yield key, decode(raw)
        for key in self._dirty:
            if key in live:
                yield key, live[key]

    def changes(self) -> dict[str, bytes | None]:
        """Changed keys and their absolute encoded values; None for a deleted key."""
        live, encode, dirty = self._live, self._encode, self._dirty
        for key, encoded in dirty.items():
            if encoded is None:
                dirty[key] = encode(live[key])
        return {key: encoded or None for key, encoded in dirty.items()}

    def settle(self, changes: Mapping[str, bytes | None]) -> None:
        """The delta holding `changes`, which are all there are, is durable."""
        size = self.size()
        values = {key: value for key, value in changes.items() if value is not None}
        self.load(values, [key for key, value in changes.items() if value is None])
        self._size = size
        self._dirty.clear()
        self._dirty_sizes.clear()
        if len(self._live) > LIVE_LIMIT:
            self._live, self._idle = {}, self._live

    def size(self) -> int:
        """Bytes of memory that keys and encoded values take, the same however batches were cut.

        Takes as many steps as there were changes since it was asked for.
        """
        size, raw, dirty_sizes = self._size, self._raw, self._dirty_sizes
        for key in self._unsized:
            before = dirty_sizes.get(key)
            if before is None:
                before = self._size_of(key, raw.value(key))
            dirty_sizes[key] = now = self._size_of(key, self._encoded(key))
            size += now - before
        self._unsized.clear()
        self._size = size
        return size

    def _size_of(self, key: str, value: bytes | None) -> int:
        return self._raw.size_of(key, value) if value else 0

    def _encoded(self, key: str) -> bytes | None:
        """A changed key's value."""
        encoded = self._dirty[key]
        if encoded is None:
            encoded = self._dirty[key] = self._encode(self._live[key])
        return encoded

    def load(self, values: Mapping[str, bytes], deleted: Iterable[str] = ()) -> None:
        """Apply a stored delta or snapshot chunk; `deleted` go, whatever their value."""
        self._raw.update(values)
        self._raw.remove(deleted)
        self._size = self._raw.size

    def take_over(self, settled: "Keyed[V]") -> None:
        """Hold what was settled in another table, which is not used any more."""
        self._raw = settled._raw
        self.load({})

    def encoded(self) -> Mapping[str, bytes]:
        """Every key and its encoded value, as of the last settled delta."""
        return self._raw


class State:
    """All a stage knows about one partition.

    `applied` is the offset of the last record folded in (−1: none). `seen` is, per upstream
    (topic, partition), the highest (offset, ordinal) folded in. `tables` are the keyed values.
    `written`: how many rows were written so far, of tables in which none ever replaces another.
    """

    def __init__(self, **tables: "Keyed[Any]") -> None:
        self.applied = -1
        self.seen: dict[str, tuple[int, int]] = {}
        self.written: Keyed[int] = Keyed(int)
        self.tables: dict[str, Keyed[Any]] = {"written": self.written, **tables}

    @property
    def now(self) -> int:
        """The log's time, ms; 0 until the first tick, and where a stage needs none."""
        return 0

    def size(self) -> int:
        """Bytes of memory that all tables take, encoded."""
        return sum(table.size() for table in self.tables.values())

    def is_new(self, origin: Origin) -> bool:
        """Of step 4: whether a message was not folded in before; notes that it now is.

        Outputs of one upstream partition come in the order of their origins, repeats included.
        A message without an origin is some other producer's and always new.
        """
        if not origin.topic:
            return True
        upstream, position = f"{origin.topic}/{origin.partition}", (origin.offset, origin.ordinal)
        if position <= self.seen.get(upstream, (-1, -1)):
            return False
        self.seen[upstream] = position
        return True

    def adopt(self, settled: "State") -> None:
        """Take over, in this fresh state, what another had when its last delta was settled.

        The other one is not used any more.
        """
        for name, table in settled.tables.items():
            self.tables[name].take_over(table)
