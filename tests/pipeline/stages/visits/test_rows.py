"""An event's row is built by position: every column holds what its name says."""

from typing import Any

from msgspec import Raw
from msgspec.structs import asdict, fields

from pipeline.stages.visits.rows import event_row
from schemas.events import Event

TIMES = {"time": 1, "corrected_time": 2, "received_at": 3}


def test_every_column_of_an_event_holds_the_event_s_own_value() -> None:
    texts: dict[str, Any] = {f.name: f.name for f in fields(Event) if f.type is str}
    event = Event(
        **texts
        | TIMES
        | {
            "type": "page",
            "path": "/path",
            "device_class": "mobile",
            "opt_out": True,
            "identifiers": ("user_id:u", "email:e"),
            "properties": Raw(b'{"a":1}'),
            "traits": Raw(b'{"b":2}'),
        }
    )
    assert asdict(event_row(event)) == {
        name: getattr(event, name, None) for name in asdict(event_row(event))
    } | {
        "device": "anonymous_id",
        "identifier": "user_id:u",
        "page": "/path",
        "properties": '{"a":1}',
        "traits": '{"b":2}',
    }


def test_an_event_whose_time_was_not_corrected_has_its_own() -> None:
    event = Event(type="page", message_id="m", site="s", time=5, received_at=6)
    assert event_row(event).corrected_time == 5
