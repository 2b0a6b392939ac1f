"""Which lines of the log are ticks: Footfall's own word for the time, on every topic that has them."""

import msgspec
from msgspec import Struct


class _Line(Struct):
    type: str = ""
    kind: str = ""
    page: str | None = None


_line = msgspec.json.Decoder(_Line)


def is_tick(line: bytes) -> bool:
    """Whether a line is a tick as `events.tick`, CustomerFact or PageOutcome write one."""
    try:
        said = _line.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return said.type == "tick" or said.kind == "tick" or said.page == ""
