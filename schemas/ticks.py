"""Which lines of the log are ticks: Footfall's own word for the time, on every topic that has them."""

from typing import Final

import msgspec
from msgspec import Struct

_BEGINNING: Final = b'{"type":"tick"'


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
        said = _line.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return said.type == "tick" or said.kind == "tick" or said.page == ""


def tick_time(value: bytes) -> int | None:
    """The time, ms, of a record of events that is a tick and nothing else; None for all others."""
    if not value.startswith(_BEGINNING):
        return None
    try:
        return _tick.decode(value).time
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def without_time(value: bytes) -> bytes:
    """A tick's record that moves no time any more; what it said stays readable as `received_at`."""
    return msgspec.json.encode({**msgspec.json.decode(value), "time": 0})
