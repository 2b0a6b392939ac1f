"""A table's encoded values as of the last settled delta: those that rest are packed, the others in a dict."""

from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from pipeline.engine.state.packed_table import PackedTable

DICT_ENTRY_BYTES: Final = 150
"""What a key and its value take in a dict beside their own bytes: the heads of both, a place in it."""
PACKED_ENTRY_BYTES: Final = 20
"""What they take beside their own bytes where they are packed."""


class SettledValues(Mapping[str, bytes]):
    """`rests` says of an encoded value whether it will hardly change soon. `size` is in bytes.

    A value that rests and is asked for, or changed, costs some 5 µs; in a dict next to nothing.
    """

    def __init__(self, rests: Callable[[bytes], bool]) -> None:
        self._rests = rests
        self._active: dict[str, bytes] = {}
        self._packed = PackedTable()
        self.size = 0

    def __len__(self) -> int:
        return len(self._active) + len(self._packed)

    def __iter__(self) -> Iterator[str]:
        return chain(self._packed, self._active)

    def __contains__(self, key: object) -> bool:
        return key in self._active or key in self._packed

    def __getitem__(self, key: str) -> bytes:
        value = self.value(key)
        if value is None:
            raise KeyError(key)
        return value

    def items(self) -> ItemsView[str, bytes]:
        """Every key and value, in no order."""
        return _Items(self)

    def value(self, key: str) -> bytes | None:
        """The value; None where there is none."""
        value = self._active.get(key)
        return self._packed.value(key) if value is None else value

    def size_of(self, key: str, value: bytes) -> int:
        """Bytes of memory that an entry takes."""
        beside = PACKED_ENTRY_BYTES if self._rests(value) else DICT_ENTRY_BYTES
        return len(key) + len(value) + beside

    def update(self, values: Mapping[str, bytes]) -> None:
        """Set values. A million pass through here when a snapshot is loaded."""
        active, packed = self._active, self._packed
        for key, value in values.items():
            old = active.pop(key, None)
            if self._rests(value):
                replaced = packed.put(key, value)
                old = replaced if old is None else old
            else:
                if old is None and len(packed):
                    old = packed.pop(key)
                active[key] = value
            self.size += self.size_of(key, value)
            if old is not None:
                self.size -= self.size_of(key, old)

    def remove(self, keys: Iterable[str]) -> None:
        """Forget keys; those that are not there do no harm."""
        for key in keys:
            value = self._active.pop(key, None)
            if value is None:
                value = self._packed.pop(key)
            if value is not None:
                self.size -= self.size_of(key, value)


class _Items(ItemsView[str, bytes]):
    """As a mapping's own, without looking each key up."""

    _mapping: SettledValues

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return chain(self._mapping._packed.items(), self._mapping._active.items())
