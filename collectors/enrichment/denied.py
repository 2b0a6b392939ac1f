"""Properties that are never stored: names that are taken out of every free-form object, at any depth."""

import re
from collections.abc import Iterable
from typing import Any, Final
from unicodedata import normalize

import msgspec
from msgspec import Raw

from collectors.dialects import reading
from schemas.events import EMPTY_OBJECT

_object: Final = msgspec.json.Decoder(dict[str, Raw])
_list: Final = msgspec.json.Decoder(list[Raw])


def _escaped(name: str) -> bytes:
    return re.escape(name.encode())


def _folded(name: str) -> str:
    """Equal for names that look the same: é is one character or two, by who wrote it."""
    return normalize("NFC", normalize("NFC", name).casefold())


class Denied:
    """Names of properties, in upper or lower case. Text of their kind within values is not found.

    Nothing is decoded unless a name may be there. What is decoded keeps its numbers as written.
    """

    def __init__(self, names: Iterable[str]) -> None:
        value = {name for name in names if name}
        self._plain = frozenset(name.lower() for name in value if name.isascii())
        self._wide = frozenset(_folded(name) for name in value if not name.isascii())
        self._keys = re.compile(b'"(?:%s)"' % b"|".join(_escaped(n) for n in sorted(self._plain)))

    def __bool__(self) -> bool:
        return bool(self._plain or self._wide)

    def without(self, raw: Raw) -> Raw:
        """The object without the denied names; the same one where there are none.

        Raises Refused where it cannot be read.
        """
        if raw is EMPTY_OBJECT or not self._may_name(bytes(raw)):
            return raw
        retained = self._cleaned(raw)
        return EMPTY_OBJECT if retained == b"{}" else Raw(retained)

    def names(self, name: str) -> bool:
        """Whether this very name is denied."""
        return name.lower() in self._plain if name.isascii() else _folded(name) in self._wide

    def _may_name(self, data: bytes) -> bool:
        if self._wide and not data.isascii():
            return True
        # Behind a backslash a key may be written in many ways; without one, in these alone.
        return b"\\" in data or self._keys.search(data.lower()) is not None

    def _cleaned(self, raw: Raw) -> bytes:
        data = bytes(raw)
        if not self._may_name(data):
            return data
        retained: Any
        if data[:1] == b"{":
            fields = reading.decode(_object, data)
            retained = {n: Raw(self._cleaned(v)) for n, v in fields.items() if not self.names(n)}
        elif data[:1] == b"[":
            retained = [Raw(self._cleaned(item)) for item in reading.decode(_list, data)]
        else:
            return data
        return msgspec.json.encode(retained)
