"""Bodies that are nearly right: real JSON, damaged in its structure or in its bytes."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw

from tests.hostile.pools import AMOUNTS, DEEP, LONG, NAMES, TOKENS, VALUES

T = TypeVar("T")
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode
_NUMBER: Final = re.compile(rb'"-?\d[\d.]*"|(?<=[:\[ ])-?\d[\d.]*(?=[,}\]])')
_ROOT: Final = "root"
_MOST_CHANGES: Final = 3
_COSTLY: Final = 0.04
"""How often a change is a long or deep one: they take the run most of its time."""


def any_of(rng: Random, some: Sequence[T]) -> T:
    """As `rng.choice`, at a third of its price."""
    return some[int(rng.random() * len(some))]


def reshaped(rng: Random, whole: bytes) -> bytes:
    """JSON with one to three values, keys or items that do not belong there."""
    tree = {_ROOT: _decode(whole)}
    for _ in range(1 + int(rng.random() * _MOST_CHANGES)):
        if places := _places(tree):
            any_of(rng, _RESHAPINGS)(rng, *any_of(rng, places))
    return _encode(tree[_ROOT]) if _ROOT in tree else b""


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every value in a tree, as its container and its key or index there."""
    found: list[tuple[Any, Any]] = []
    containers = [tree]
    while containers:
        container = containers.pop()
        pairs = container.items() if type(container) is dict else enumerate(container)
        for key, value in pairs:
            found.append((container, key))
            if type(value) is dict or type(value) is list:
                containers.append(value)
    return found


def _replace(rng: Random, parent: Any, key: Any) -> None:
    parent[key] = any_of(rng, VALUES)


def _overload(rng: Random, parent: Any, key: Any) -> None:
    pool: Sequence[Any] = VALUES
    if rng.random() < _COSTLY * len(_RESHAPINGS):
        pool = DEEP if rng.random() < 0.5 else LONG
    parent[key] = any_of(rng, pool)


def _drop(rng: Random, parent: Any, key: Any) -> None:
    del parent[key]


def _wrap(rng: Random, parent: Any, key: Any) -> None:
    value = parent[key]
    parent[key] = [value] if rng.random() < 0.5 else {any_of(rng, NAMES): value}


def _unwrap(rng: Random, parent: Any, key: Any) -> None:
    value = parent[key]
    inner = list(value.values()) if isinstance(value, dict) else value
    parent[key] = inner[0] if isinstance(inner, list) and inner else str(value)


def _add(rng: Random, parent: Any, key: Any) -> None:
    if isinstance(parent, dict) and _ROOT not in parent:
        parent[any_of(rng, NAMES)] = any_of(rng, VALUES)
    elif isinstance(parent, list):
        parent.insert(key, any_of(rng, VALUES))
    else:
        _replace(rng, parent, key)


def _repeat(rng: Random, parent: Any, key: Any) -> None:
    """The same key twice, or the same item several times."""
    value = parent[key]
    if isinstance(parent, list):
        parent.extend([value] * int(rng.random() * 5))
    elif isinstance(value, dict) and value:
        name = any_of(rng, list(value)).encode("utf-8", "replace")
        again = b'{"%s":%s,' % (name, _encode(any_of(rng, VALUES)))
        parent[key] = Raw(again + _encode(value)[1:])
    else:
        _replace(rng, parent, key)


def _swap(rng: Random, parent: Any, key: Any) -> None:
    other = any_of(rng, list(parent) if isinstance(parent, dict) else range(len(parent)))
    parent[key], parent[other] = parent[other], parent[key]


_RESHAPINGS: Final = (
    _replace,
    _replace,
    _replace,
    _overload,
    _drop,
    _wrap,
    _unwrap,
    _add,
    _add,
    _repeat,
    _swap,
)


def damaged(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Bytes with one to three of them, or stretches of them, changed."""
    for _ in range(1 + int(rng.random() * _MOST_CHANGES)):
        data = any_of(rng, _DAMAGES)(rng, data, others)
    return data


def _flip(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    changed = bytearray(data or b"\x00")
    changed[int(rng.random() * len(changed))] ^= 1 << int(rng.random() * 8)
    return bytes(changed)


def _cut(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return data[: int(rng.random() * len(data))]


def _double(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    low, high = _stretch(rng, data)
    return data[:high] + data[low:]


def _leave_out(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    low, high = _stretch(rng, data)
    return data[:low] + data[high:]


def _splice(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = any_of(rng, others)
    return data[: int(rng.random() * len(data))] + other[int(rng.random() * len(other)) :]


def _insert(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    place = int(rng.random() * (len(data) + 1))
    return data[:place] + any_of(rng, TOKENS) + data[place:]


def _overwrite(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    low, high = _stretch(rng, data)
    return data[:low] + rng.randbytes(min(high - low, 16)) + data[high:]


def _miscount(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Another amount, number of pieces or time."""
    if not (found := list(_NUMBER.finditer(data))):
        return data
    low, high = any_of(rng, found).span()
    return data[:low] + any_of(rng, AMOUNTS) + data[high:]


def _stretch(rng: Random, data: bytes) -> tuple[int, int]:
    low = int(rng.random() * (len(data) + 1))
    return low, low + int(rng.random() * min(64, len(data) - low + 1))


_Damage = Callable[[Random, bytes, Sequence[bytes]], bytes]
_DAMAGES: Final[tuple[_Damage, ...]] = (
    _flip,
    _flip,
    _cut,
    _double,
    _leave_out,
    _splice,
    _insert,
    _insert,
    _overwrite,
    _miscount,
    _miscount,
    _miscount,
)
