"""A log in memory whose writes can be held up or made to fail."""

import threading
from collections.abc import Sequence

import msgspec

from collectors.errors import Overloaded
from schemas.events import Event
from schemas.log_records import Append
from schemas.rejects import Reject
from schemas.topics import EVENTS, REJECTS


class MemoryWriter:
    """Keeps what was written. `gate` holds writes up while it is clear; `broken` fails them."""

    def __init__(self) -> None:
        self.records: list[Append] = []
        self.writes = 0
        self.gate = threading.Event()
        self.gate.set()
        self.broken = False
        self.closed = False

    def write(self, records: Sequence[Append]) -> None:
        """Append, or fail as a full disk does."""
        self.gate.wait(10)
        self.writes += 1
        if self.broken:
            raise Overloaded("The disk is full.")
        self.records += records

    def close(self) -> None:
        """Remember it."""
        self.closed = True

    def events(self) -> list[Event]:
        """Every event line, ticks too, in order."""
        return [
            event
            for record in self.records
            if record.topic == EVENTS.name
            for event in msgspec.json.Decoder(Event).decode_lines(record.value)
        ]

    def rejects(self) -> list[Reject]:
        """Every reject line, in order."""
        return [
            one
            for record in self.records
            if record.topic == REJECTS.name
            for one in msgspec.json.Decoder(Reject).decode_lines(record.value)
        ]
