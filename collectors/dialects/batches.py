"""Envelopes with a list of events, decoded within bounds: 4 MiB can hold two million of them."""

from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from collectors import limits

S = TypeVar("S")
Scalar = str | int | float | bool | None
"""What a field beside the events may be: text is wanted, and nothing else takes memory."""

_SMALL: Final = 256 * 1024
"""Bytes. A list of whatever fits in them takes 10 MiB at most: 70 bytes for every item."""
_Kept: Final[Any] = msgspec.defstruct(
    "_Kept", [(f"item{n}", Raw, None) for n in range(limits.MAX_BATCH_EVENTS + 1)], array_like=True
)
"""The list's beginning, by position. What is beyond is looked at and not kept."""


class Batches(Generic[S]):
    """Decodes as `msgspec.json.Decoder(kind)` does, but keeps only MAX_BATCH_EVENTS + 1 items.

    `kind` is `list[Raw]`, or a Struct whose field `name` is one.
    """

    def __init__(self, kind: type[S], name: str = "") -> None:
        self._kind, self._name = kind, name
        self._small = msgspec.json.Decoder(kind)
        self._large = msgspec.json.Decoder(_bounded(kind, name) if name else _Kept)

    def decode(self, data: bytes) -> S:
        """Raises as msgspec does."""
        if len(data) <= _SMALL:
            return self._small.decode(data)
        value: Any = self._large.decode(data)
        if not self._name:
            return _listed(value)  # type: ignore[return-value]
        matches = msgspec.structs.asdict(value)
        return self._kind(**matches | {self._name: _listed(matches[self._name])})


def _bounded(kind: Any, name: str) -> type[Struct]:
    fields = msgspec.structs.fields(kind)
    return msgspec.defstruct(
        kind.__name__,
        [
            (
                entry.name,
                _Kept | None
                if entry.name == name and not entry.required
                else _Kept
                if entry.name == name
                else entry.type,
                entry.default,
            )
            for entry in fields
        ],
        rename={entry.name: entry.encode_name for entry in fields},
    )


def _listed(kept: Any) -> list[Raw] | None:
    if kept is None:
        return None
    return [item for item in msgspec.structs.astuple(kept) if item is not None]
