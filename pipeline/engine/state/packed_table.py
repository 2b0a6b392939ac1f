"""Byte strings by text with little beside the bytes themselves: a million take what they are and a tenth.

As entries of a dict each of them takes some 150 bytes more: two objects, a place in the table. Here
some eight entries share one object. It is for what is seldom changed: a change copies its bucket.
"""

from collections.abc import ItemsView, Iterator, Mapping
from struct import Struct
from typing import Final
from zlib import crc32

ENTRIES_PER_BUCKET: Final = 8
"""On average. With more a change copies more, with fewer the buckets' own heads count."""

_LENGTHS: Final = Struct("<II")


class PackedTable(Mapping[str, bytes]):
    """A hash table that grows by one bucket at a time (linear hashing: W. Litwin, VLDB 1980).

    Bucket n is split in two when it is its turn, so no change takes long, however large the table.
    """

    def __init__(self) -> None:
        self._buckets: list[bytes] = [b""]
        self._level = 1  # buckets when the round of splits began: a power of two
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        for bucket in self._buckets:
            for key, _ in _entries(bucket):
                yield key.decode()

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.value(key) is not None

    def __getitem__(self, key: str) -> bytes:
        value = self.value(key)
        if value is None:
            raise KeyError(key)
        return value

    def items(self) -> ItemsView[str, bytes]:
        """Every key and value, bucket by bucket."""
        return _Items(self)

    def value(self, key: str) -> bytes | None:
        """The value; None where there is none."""
        name = key.encode()
        bucket = self._buckets[self._index(name)]
        # Mostly it is not there, and to search is far faster than to walk over the entries.
        position = _find(bucket, name) if name in bucket else None
        return None if position is None else bucket[position[1] : position[2]]

    def put(self, key: str, value: bytes) -> bytes | None:
        """Set a key's value; the one that it had, None where it had none."""
        name = key.encode()
        index = self._index(name)
        bucket = self._buckets[index]
        position = _find(bucket, name) if name in bucket else None
        entry = _LENGTHS.pack(len(name), len(value)) + name + value
        if position is not None:
            start, middle, end = position
            self._buckets[index] = bucket[:start] + bucket[end:] + entry
            return bucket[middle:end]
        self._buckets[index] = bucket + entry
        self._count += 1
        if self._count > ENTRIES_PER_BUCKET * len(self._buckets):
            self._split()
        return None

    def pop(self, key: str) -> bytes | None:
        """Take a key out; its value, None where it was not there."""
        name = key.encode()
        index = self._index(name)
        bucket = self._buckets[index]
        position = _find(bucket, name) if name in bucket else None
        if position is None:
            return None
        start, middle, end = position
        self._buckets[index] = bucket[:start] + bucket[end:]
        self._count -= 1
        if len(self._buckets) > 1 and self._count < ENTRIES_PER_BUCKET // 2 * len(self._buckets):
            self._merge()
        return bucket[middle:end]

    def _index(self, name: bytes) -> int:
        digest = crc32(name)
        index = digest % self._level
        return digest % (2 * self._level) if index < len(self._buckets) - self._level else index

    def _split(self) -> None:
        """Divide the next bucket of the round between itself and a new one."""
        if len(self._buckets) == 2 * self._level:
            self._level *= 2
        index = len(self._buckets) - self._level
        old = self._buckets[index]
        self._buckets.append(b"")
        parts: tuple[list[bytes], list[bytes]] = ([], [])
        for name, value in _entries(old):
            parts[self._index(name) != index].append(
                _LENGTHS.pack(len(name), len(value)) + name + value
            )
        self._buckets[index], self._buckets[-1] = b"".join(parts[0]), b"".join(parts[1])

    def _merge(self) -> None:
        """Take the last split back."""
        last = self._buckets.pop()
        if len(self._buckets) < self._level:
            self._level //= 2
        self._buckets[len(self._buckets) - self._level] += last


class _Items(ItemsView[str, bytes]):
    """As a mapping's own, without looking each key up."""

    _mapping: PackedTable

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        for bucket in self._mapping._buckets:
            for key, value in _entries(bucket):
                yield key.decode(), value


def _entries(bucket: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(bucket):
        key_length, value_length = _LENGTHS.unpack_from(bucket, at)
        middle = at + _LENGTHS.size + key_length
        end = middle + value_length
        yield bucket[at + _LENGTHS.size : middle], bucket[middle:end]
        at = end


def _find(bucket: bytes, name: bytes) -> tuple[int, int, int] | None:
    """Where an entry starts, where its value does, and where it ends; None where it is not there."""
    start = 0
    while start < len(bucket):
        key_length, value_length = _LENGTHS.unpack_from(bucket, start)
        key_start = start + _LENGTHS.size
        middle = key_start + key_length
        end = middle + value_length
        if bucket[key_start:middle] == name:
            return start, middle, end
        start = end
    return None
