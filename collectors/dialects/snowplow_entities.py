"""Snowplow's self-describing JSON: `{"schema": "iglu:vendor/name/jsonschema/1-0-0", "data": …}`."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Raw, Struct

from collectors.dialects import forms, reading
from schemas.events import EMPTY_OBJECT

Value = str | int | float | None
"""Trackers write numbers as text or as numbers."""


class Described(Struct):
    """Some data and where its schema is."""

    schema: str
    data: Raw = EMPTY_OBJECT


class _Event(Struct):
    data: Described


class _Entities(Struct):
    data: list[Described]


_event: Final = msgspec.json.Decoder(_Event)
_entities: Final = msgspec.json.Decoder(_Entities)


def event_of(plain: str | None, base64: str | None) -> Described:
    """What an `ue` event is: `ue_pr` or `ue_px`."""
    return reading.decode(_event, _text(plain, base64, "ue_px")).data


def entities_of(plain: str | None, base64: str | None) -> list[Described]:
    """What is attached to an event: `co` or `cx`."""
    if not plain and not base64:
        return []
    return reading.decode(_entities, _text(plain, base64, "cx")).data


def named(schema: str) -> str:
    """`vendor/name`, whatever the version."""
    parts = schema.removeprefix("iglu:").split("/")
    return "/".join(parts[:2])


def these(entities: Iterable[Described], name: str) -> Iterator[Raw]:
    """The data of every entity of that `vendor/name`."""
    return (entity.data for entity in entities if named(entity.schema) == name)


def word(value: Value) -> str:
    """An id as text: 1001, 1001.0 and "1001" are the same; absent is ""."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _text(plain: str | None, base64: str | None, name: str) -> bytes:
    text = plain.encode() if plain else forms.from_base64(base64 or "", name)
    reading.modest(text)
    return text
