"""From a record's bytes to facts about customers, and what could not be read."""

from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from schemas.customers import CustomerFact
from schemas.events import EARLIEST_MS, LATEST_MS
from schemas.identifiers import KINDS, kind_of

_decoder: Final = msgspec.json.Decoder(CustomerFact)


class Unreadable(NamedTuple):
    """A line that is no fact. `line` counts from 0."""

    line: int
    detail: str
    body: bytes


def read(value: bytes) -> list[CustomerFact | Unreadable]:
    """The facts of a record in their order; lines that are none stand in their place."""
    try:
        facts = _decoder.decode_lines(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [
            _decode_line(at, line) for at, line in enumerate(value.split(b"\n")) if line.strip()
        ]
    return [_validated(at, fact, value) for at, fact in enumerate(facts)]


def _decode_line(at: int, line: bytes) -> CustomerFact | Unreadable:
    try:
        fact = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unreadable(at, str(error), line)
    wrong = _fault(fact)
    return Unreadable(at, wrong, line) if wrong else fact


def _validated(at: int, fact: CustomerFact, value: bytes) -> CustomerFact | Unreadable:
    wrong = _fault(fact)
    if not wrong:
        return fact
    lines = [line for line in value.split(b"\n") if line.strip()]
    return Unreadable(at, wrong, lines[at])


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
