"""Events of devices in short, and what `visits` emits for them."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import asdict

from pipeline.engine.stage import Emit, Record
from pipeline.stages.visits.funnel import parse
from pipeline.stages.visits.stage import Visits
from schemas import topics
from schemas.events import Event, tick
from schemas.rows import OutcomeRow, Row, SessionRow

MINUTE = 60_000
START = 1_760_000_000_000
_encode = msgspec.json.Encoder().encode
_KEYS = {  # the columns that say which row a row replaces
    SessionRow: ("site", "device", "start"),
    OutcomeRow: ("site", "page", "device", "time", "message_id"),
}


def event(minute: float, device: str = "d1", kind: str = "page", **fields: Any) -> Event:
    """An event `minute` minutes after START; its id is what it is, when and where."""
    time = START + int(minute * MINUTE)
    defaults = {
        "type": kind,
        "site": "shop",
        "time": time,
        "received_at": time + 100,
        "anonymous_id": device,
        "message_id": f"{kind} {minute} {fields.get('path', '')}",
    }
    return Event(**{**defaults, **fields})


def end_of_time(minute: float = 10_000) -> Event:
    """A tick after which everything is decided."""
    return tick(START + int(minute * MINUTE))


def record(offset: int, events: Sequence[Event]) -> Record:
    count = sum(event.type != "tick" for event in events)
    return Record(offset, count, b"\n".join(map(_encode, events)))


class Site:
    """A stage, its state, and all it emitted."""

    def __init__(self, funnel: str = "", lateness_hours: int = 24) -> None:
        self.stage = Visits(5 * MINUTE, lateness_hours * 60 * MINUTE, parse(funnel))
        self.state = self.stage.new_state()
        self.emit = Emit(topics.EVENTS, 0)

    def take(self, *events: Event) -> "Site":
        """One record holding `events`."""
        next_record = record(self.state.applied + 1, events)
        self.emit.begin(next_record.offset)
        self.stage.process(self.state, next_record, self.emit)
        self.state.applied = next_record.offset
        return self

    def rows(self, table: type[Row]) -> list[dict[str, Any]]:
        """All rows written, oldest first."""
        return [
            {**asdict(row), "offset": offset, "index": index}
            for row, offset, index in self.emit.rows.get(table, [])
        ]

    def final(self, table: type[Row]) -> list[dict[str, Any]]:
        """What ReplacingMergeTree returns with FINAL: the newest of equal keys, without deleted ones."""
        newest: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in self.rows(table):
            key = tuple(row[name] for name in _KEYS[table])
            if key not in newest or newest[key]["version"] < row["version"]:
                newest[key] = row
        return sorted(
            (row for row in newest.values() if not row["deleted"]),
            key=lambda row: tuple(row[name] for name in _KEYS[table]),
        )

    def sessions(self) -> list[tuple[float, float, int]]:
        """(first minute, last minute, events) of each session."""
        return [
            ((row["start"] - START) / MINUTE, (row["end"] - START) / MINUTE, row["events"])
            for row in self.final(SessionRow)
        ]

    def outcomes(self) -> dict[tuple[str, float], tuple[str, ...]]:
        """(page, minute of the attempt) → next steps."""
        return {
            (row["page"], (row["time"] - START) / MINUTE): tuple(row["next"])
            for row in self.final(OutcomeRow)
        }

    def messages(self, topic: topics.Topic) -> list[Any]:
        """Messages on a derived topic, ticks left out."""
        return [
            output.message
            for output in self.emit.outputs
            if output.topic == topic and output.message.site  # type: ignore[attr-defined]
        ]


def pages(*minutes_and_paths: tuple[float, str], device: str = "d1") -> Iterable[Event]:
    return (event(minute, device, path=path) for minute, path in minutes_and_paths)
