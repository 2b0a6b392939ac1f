"""Keyed values of a stage, kept encoded and decoded on demand, with what changed since the last delta.

A million devices are a million small byte strings: loading a snapshot decodes none of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from schemas.origins import Origin

V = TypeVar("V")

LIVE_LIMIT = 50_000
"""Decoded values kept beside their bytes; past it, all that are not dirty are let go."""


class Keyed(Generic[V]):
    """A mapping from text to values of one type. A changed value must be `put` again."""

    def __init__(self, kind: type[V]) -> None:
        self._raw: dict[str, bytes] = {}
        self._live: dict[str, V] = {}
        self._dirty: dict[str, None] = {}  # a dict, not a set: deltas have one order
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._encode = msgspec.msgpack.Encoder().encode

    def __len__(self) -> int:
        """However batches were cut; takes as many steps as there are changes."""
        live, raw = self._live, self._raw
        return len(raw) + sum((key in live) - (key in raw) for key in self._dirty)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def get(self, key: str) -> V | None:
        """The value, or None. Values are mutable: `put` after changing one."""
        value = self._live.get(key)
        if value is None:
            raw = self._raw.get(key)
            if raw is None or key in self._dirty:
                return None
            value = self._live[key] = self._decode(raw)
        return value

    def put(self, key: str, value: V) -> None:
        """Set a value; it is in the next delta."""
        self._live[key] = value
        self._dirty[key] = None

    def delete(self, key: str) -> None:
        """Forget a key; the next delta says so."""
        self._live.pop(key, None)
        self._dirty[key] = None

    def items(self) -> Iterator[tuple[str, V]]:
        """Every key and value, in key order (costly: decodes all)."""
        for key in sorted(self._raw.keys() | self._live.keys()):
            value = self.get(key)
            if value is not None:
                yield key, value

    def each(self) -> Iterator[tuple[str, V]]:
        """As `items`, but in any order, and what is decoded for it is not kept."""
        live, decode = self._live, self._decode
        for key, raw in self._raw.items():
            if key not in self._dirty:
                yield key, decode(raw)
        for key in self._dirty:
            if key in live:
                yield key, live[key]

    def changes(self) -> dict[str, bytes | None]:
        """Changed keys and their absolute encoded values; None for a deleted key."""
        live, encode = self._live, self._encode
        return {key: encode(live[key]) if key in live else None for key in self._dirty}

    def settle(self, changes: Mapping[str, bytes | None]) -> None:
        """The delta holding `changes` is durable."""
        kept = {key: value for key, value in changes.items() if value is not None}
        self.load(kept, changes.keys() - kept.keys())
        self._dirty.clear()
        if len(self._live) > LIVE_LIMIT:
            self._live.clear()

    def load(self, values: Mapping[str, bytes], gone: Iterable[str] = ()) -> None:
        """Apply a stored delta or snapshot chunk; the keys `gone` are deleted, whatever their value.

        A million keys pass through here before a worker is ready: no loop of ours over `values`.
        """
        self._raw.update(values)
        for key in gone:
            self._raw.pop(key, None)

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

    def is_new(self, origin: Origin) -> bool:
        """Step 4: whether a message was not folded in before; notes that it now is.

        Outputs of one upstream partition come in the order of their origins, repeats included.
        A message without an origin is some other producer's and always new.
        """
        if not origin.topic:
            return True
        upstream, place = f"{origin.topic}/{origin.partition}", (origin.offset, origin.ordinal)
        if place <= self.seen.get(upstream, (-1, -1)):
            return False
        self.seen[upstream] = place
        return True

    def adopt(self, settled: "State") -> None:
        """Take over, in this fresh state, what another had when its last delta was settled."""
        for name, table in settled.tables.items():
            self.tables[name].load(table.encoded())
