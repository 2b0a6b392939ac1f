"""Ticks: lines by which Footfall itself tells the log's time. `events`, `customers`, `pages` have them."""

from typing import Final

import msgspec
from msgspec import Struct

_PREFIX: Final = b'{"type":"tick"'


class _Line(Struct):
    type: str = ""
    kind: str = ""
    page: str | None = None


class _Tick(Struct):
    time: int


_tick = msgspec.json.Decoder(_Tick)
_line = msgspec.json.Decoder(_Line)


def is_tick(line: bytes) -> bool:
    """Whether a line is a tick as `events.tick`, CustomerFact or PageOutcome write one."""
    try:
        fields = _line.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return fields.type == "tick" or fields.kind == "tick" or fields.page == ""


def tick_time(value: bytes) -> int | None:
    """The time, ms, of a record of events that is a tick and nothing else; None for all others."""
    if not value.startswith(_PREFIX):
        return None
    try:
        return _tick.decode(value).time
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def without_time(value: bytes) -> bytes:
    """A tick's record with time 0, so that it moves no time; `received_at` still has the original.

    For values that `tick_time` reads; of others it may raise msgspec.DecodeError.
    """
    return msgspec.json.encode({**msgspec.json.decode(value), "time": 0})
