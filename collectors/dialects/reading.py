"""What dialects have in common: checking one event's parts. Every function raises Refused."""

import re
from collections.abc import Iterable
from hashlib import blake2b
from itertools import accumulate
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from collectors import limits, times
from collectors.dialects.contract import Refused, Sender
from schemas import identifiers
from schemas.events import EARLIEST_MS, EMPTY_OBJECT, LATEST_MS
from schemas.rejects import Reason

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
_LONGEST: Final = identifiers.MAX_LENGTH
_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_LINE_FEED, _RETURN, _LIST = b"\n\r["
"""As numbers: looking for `b"["` in bytes would raise and catch an error first, at 10 times the cost."""
_KEYS_FIT: Final = limits.MAX_KEYS * len('"":0,')
"""Bytes that cannot hold more than MAX_KEYS names."""
_NO_BRACKETS: Final = bytes(sorted(set(range(256)) - set(b"[]{}")))
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""Brackets as signed bytes: one level down, one level up."""


class Decodes(Protocol[S_co]):
    """`msgspec.json.Decoder`, `batches.Batches`."""

    def decode(self, data: Any, /) -> S_co:
        """Raises as msgspec does."""


def decode(decoder: Decodes[S], data: bytes | msgspec.Raw, reason: Reason = Reason.BAD_SHAPE) -> S:
    """Decode one event; a wrong type is told with the field's path, never with its value.

    Raises Refused: of `reason` for a wrong type, BAD_JSON for what is no JSON.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise Refused(reason, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(Reason.BAD_JSON, str(error)) from error


def apart(batch: list[msgspec.Raw]) -> list[bytes]:
    """A batch's events as bytes. Raises Refused(BATCH_TOO_LARGE)."""
    if len(batch) > limits.MAX_BATCH_EVENTS:
        raise Refused(Reason.BATCH_TOO_LARGE, f"More than {limits.MAX_BATCH_EVENTS} events")
    return [bytes(item) for item in batch]


def modest(item: bytes) -> None:
    """Refuse JSON deeper than MAX_DEPTH, or of more than MAX_KEYS names or MAX_CONTAINERS.

    Text that unpacks to JSON needs it once more.
    """
    if len(item) > _KEYS_FIT and item.count(b":") > limits.MAX_KEYS < _names(item):
        raise Refused(Reason.EVENT_TOO_LARGE, f"More than {limits.MAX_KEYS} names in its objects")
    lists = item.count(b"[") if _LIST in item else 0  # to look is cheaper than to count
    if item.count(b"{") + lists > limits.MAX_DEPTH:
        _check_brackets(_TEXT.sub(b"", item).translate(_STEPS, _NO_BRACKETS))


def _names(item: bytes) -> int:
    return _TEXT.sub(b"", item).count(b":")


def _check_brackets(steps: bytes) -> None:
    """Decoding instead would end at the first number out of range, and see nothing behind it."""
    if len(steps) > 2 * limits.MAX_CONTAINERS:
        raise Refused(
            Reason.EVENT_TOO_LARGE, f"More than {limits.MAX_CONTAINERS} objects and lists"
        )
    if max(accumulate(memoryview(steps).cast("b")), default=0) > limits.MAX_DEPTH:
        raise Refused(Reason.BAD_SHAPE, f"Nested deeper than {limits.MAX_DEPTH} levels")


def object_of(raw: msgspec.Raw, name: str) -> msgspec.Raw:
    """A free-form object on one line, `EMPTY_OBJECT` for null and {}. Anything else is refused."""
    if raw is EMPTY_OBJECT:
        return raw
    data = bytes(raw)
    if len(data) <= 4 and data in (b"null", b"{}"):
        return EMPTY_OBJECT
    if not data.startswith(b"{"):
        raise Refused(Reason.BAD_SHAPE, f"Expected `object` - at `$.{name}`")
    if _LINE_FEED in data or _RETURN in data:  # a record has one event per line
        return msgspec.Raw(msgspec.json.format(data, indent=-1))
    return raw


def text(value: str | None, name: str) -> str:
    """A text field, "" for null. Raises Refused where it is longer than MAX_TEXT."""
    if not value:
        return ""
    if len(value) > limits.MAX_TEXT:
        raise Refused(Reason.BAD_SHAPE, f"Longer than {limits.MAX_TEXT} characters - at `$.{name}`")
    return value


def lenient_text(value: Any) -> str:
    """Text out of a free-form object: anything else is not looked at, and long text is cut."""
    return value[: limits.MAX_TEXT] if isinstance(value, str) else ""


def path_of(path: Any, url: str) -> str:
    """Where on its site a page is: as said, else as its URL has it; "" where neither says."""
    if stated := lenient_text(path):
        return stated
    try:
        parts = urlsplit(url)
    except ValueError:  # a URL with a broken host
        return ""
    return (parts.path or "/") if parts.netloc else ""


def identifier(value: str | int | None, name: str) -> str:
    """An identifier's value as text; null and "" are both absent. Raises Refused(BAD_IDENTIFIER)."""
    if value is None or value == "":
        return ""
    word = value if isinstance(value, str) else str(value)
    if len(word) > _LONGEST:
        raise Refused(Reason.BAD_IDENTIFIER, f"{name} is longer than {_LONGEST} characters")
    return word


def ranked(found: Iterable[str]) -> tuple[str, ...]:
    """Identifiers asserted together, each once, in rank order, absent ones ("") left out."""
    sample = [entry for entry in found if entry]
    return tuple(sample) if len(sample) < 2 else tuple(sorted(set(sample), key=identifiers.rank))


def first(*values: str | float | None) -> str | float | None:
    """The first that is given: null and "" are not."""
    for value in values:
        if value is not None and value != "":
            return value
    return None


def event_time(value: str | float | None, received_at: int) -> int:
    """The client's own time, ms; without one the event happened when it came.

    Raises Refused(TIME_OUT_OF_RANGE).
    """
    if value is None:
        return received_at
    ms = times.milliseconds(value)
    if ms is None:
        raise Refused(
            Reason.TIME_OUT_OF_RANGE, f"Not a time from 2000 to 2099: {str(value)[:64]!r}"
        )
    return ms


def corrected(time: int, sender: Sender) -> int:
    """received − (sent − original): the client's clock error taken out where `sentAt` tells it.

    Two readings decades apart tell nothing: what would leave the calendar stays as it was said.
    """
    if sender.sent_at is None:
        return time
    ms = sender.received_at - (sender.sent_at - time)
    return ms if EARLIEST_MS <= ms < LATEST_MS else time


def message_id(value: str | None, item: bytes, timed: bool, default: str, site: str) -> str:
    """The event's name, by which a re-send is told from a new event.

    Without a `messageId`, an event with a time of its own is named by its bytes: the same bytes
    are the same event. One without either cannot be told from its re-send; it counts as new.
    Raises Refused where the name is longer than MAX_MESSAGE_ID.
    """
    if value:
        if len(value) > limits.MAX_MESSAGE_ID:
            raise Refused(
                Reason.BAD_SHAPE,
                f"Longer than {limits.MAX_MESSAGE_ID} characters - at `$.messageId`",
            )
        return value
    if timed:
        return blake2b(site.encode() + b"\n" + item, digest_size=16).hexdigest()
    return default
