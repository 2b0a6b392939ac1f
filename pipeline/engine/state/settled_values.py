"""A table's encoded values as of the last settled delta: what changes often in a dict, the rest packed."""

from collections.abc import ItemsView, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Final

from pipeline.engine.state.packed_table import PackedTable

HOT_LIMIT: Final = 4_000
"""Values that are not packed. At twice as many those that changed last stay: that takes some 20 ms."""


class SettledValues(Mapping[str, bytes]):
    """`content_bytes` are those of all keys and values, keys counted by characters."""

    def __init__(self) -> None:
        self._hot: dict[str, bytes] = {}  # in the order in which they changed
        self._packed = PackedTable()
        self.content_bytes = 0

    def __len__(self) -> int:
        return len(self._hot) + len(self._packed)

    def __iter__(self) -> Iterator[str]:
        return chain(self._packed, self._hot)

    def __contains__(self, key: object) -> bool:
        return key in self._hot or key in self._packed

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
        value = self._hot.get(key)
        return self._packed.value(key) if value is None else value

    def update(self, values: Mapping[str, bytes]) -> None:
        """Set values."""
        hot = self._hot
        for key, value in values.items():
            self._forget(key)
            hot[key] = value
            self.content_bytes += len(key) + len(value)
        if len(hot) > 2 * HOT_LIMIT:
            self._pack(len(hot) - HOT_LIMIT)

    def remove(self, keys: Iterable[str]) -> None:
        """Forget keys; those that are not there do no harm."""
        for key in keys:
            self._forget(key)

    def _forget(self, key: str) -> None:
        value = self._hot.pop(key, None)
        if value is None:
            value = self._packed.pop(key)
        if value is not None:
            self.content_bytes -= len(key) + len(value)

    def _pack(self, count: int) -> None:
        hot = self._hot
        for key in list(islice(hot, count)):
            self._packed.put(key, hot.pop(key))
        self._hot = dict(hot)  # a dict does not shrink, and its beginning is now empty


class _Items(ItemsView[str, bytes]):
    """As a mapping's own, without looking each key up."""

    _mapping: SettledValues

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return chain(self._mapping._packed.items(), self._mapping._hot.items())
