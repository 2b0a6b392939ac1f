"""Decodes a record's lines into facts about customers; lines that cannot be read are `Unreadable`."""

from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from pipeline.stages.ndjson import decode_lines
from schemas.customers import CustomerFact
from schemas.events import EARLIEST_MS, LATEST_MS
from schemas.identifiers import KINDS, kind_of

_decoder: Final = msgspec.json.Decoder(CustomerFact)


class Unreadable(NamedTuple):
    """A line that is no fact, with the reason. `line` counts from 0."""

    line: int
    detail: str
    body: bytes


def read(value: bytes) -> list[CustomerFact | Unreadable]:
    """The facts of a record in their order; an Unreadable for each line that is none."""
    facts = decode_lines(_decoder, value, _unreadable)
    return [_validate(index, fact, value) for index, fact in enumerate(facts)]


def _unreadable(number: int, line: bytes, error: Exception) -> Unreadable:
    return Unreadable(number, str(error), line)


def _validate(
    index: int, fact: CustomerFact | Unreadable, value: bytes
) -> CustomerFact | Unreadable:
    """The fact, or what is wrong with it; `index` counts lines that are not blank."""
    if isinstance(fact, Unreadable) or not (fault := _fault(fact)):
        return fact
    lines = [(number, line) for number, line in enumerate(value.split(b"\n")) if line.strip()]
    number, line = lines[min(index, len(lines) - 1)]  # two facts may stand on one line
    return Unreadable(number, fault, line)


def _fault(fact: CustomerFact) -> str:
    """What makes a decoded fact unusable, or ""."""
    if not EARLIEST_MS <= fact.time < LATEST_MS:
        return f"time {fact.time} is out of range"
    if "\n" in fact.site:
        return "site has a newline"
    if not all(map(_is_strong, fact.identifiers)):
        return "identifiers: a kind that is not a person's"
    if fact.previous_id and kind_of(fact.previous_id) not in KINDS:
        return "previous_id: unknown kind"
    if fact.kind in ("purchase", "ticket", "feedback"):
        payload = fact.order if fact.kind == "purchase" else getattr(fact, fact.kind)
        if payload is None:
            return f"{fact.kind}: missing"
    return ""


@lru_cache(maxsize=8_192)
def _is_strong(identifier: str) -> bool:
    kind, colon, _ = identifier.partition(":")
    return bool(colon) and kind in KINDS and kind != "device"
