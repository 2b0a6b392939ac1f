"""Rejects: input that could not be taken, with the reason and the original bytes."""

from base64 import b64decode, b64encode
from enum import StrEnum
from hashlib import blake2b
from typing import Final, Literal

from msgspec import Struct

from schemas.logfile import DAMAGED
from schemas.rows import RejectRow

MAX_STORED_BODY: Final = 64 * 1024
"""Bytes of an original that a reject keeps."""
OVERHEAD: Final = 512
"""Bytes that a reject is counted with beside its original, where rejects are limited."""

_BASE64: Final = "base64:"

SentBy = Literal["", "page", "server", "webhook", "import", "worker"]
"""Whose rights an input came with: those of a page's or a server's key, of a signed webhook, of a
file that the owner imports, of a stage that reads a topic. "": of nobody that is known."""
Method = Literal["POST", "GET"]


class Reason(StrEnum):
    """Why an input was refused: the closed list. The value is stored; the text is for people."""

    BODY_TOO_LARGE = "body_too_large"
    BAD_ENCODING = "bad_encoding"
    BAD_JSON = "bad_json"
    BAD_SHAPE = "bad_shape"
    BATCH_TOO_LARGE = "batch_too_large"
    EVENT_TOO_LARGE = "event_too_large"
    UNKNOWN_KEY = "unknown_key"
    NOT_ALLOWED = "not_allowed"
    FORBIDDEN_ORIGIN = "forbidden_origin"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_ID = "missing_id"
    BAD_IDENTIFIER = "bad_identifier"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    BAD_ORDER = "bad_order"
    BAD_TICKET = "bad_ticket"
    BAD_FEEDBACK = "bad_feedback"
    UNREADABLE_RECORD = "unreadable_record"
    PROCESSING_FAILED = "processing_failed"
    DAMAGED_RECORD = "damaged_record"
    REJECTS_NOT_KEPT = "rejects_not_kept"


MEANING: dict[Reason, str] = {
    Reason.BODY_TOO_LARGE: "The request body is over the limit after inflating; send smaller batches.",
    Reason.BAD_ENCODING: "The body is not valid gzip or UTF-8; send JSON in UTF-8, gzipped once at most.",
    Reason.BAD_JSON: "The body is not JSON.",
    Reason.BAD_SHAPE: "A field is missing or has the wrong type; the detail names it.",
    Reason.BATCH_TOO_LARGE: "The batch holds more events than the limit; send fewer per request.",
    Reason.EVENT_TOO_LARGE: "One event is over the limit; send less in properties.",
    Reason.UNKNOWN_KEY: "The write key is none of FOOTFALL_WRITE_KEYS and FOOTFALL_SERVER_KEYS.",
    Reason.NOT_ALLOWED: "The write key may not do this; the detail says what it would take.",
    Reason.FORBIDDEN_ORIGIN: "The write key is bound to other pages; its `origin=` words name them.",
    Reason.BAD_SIGNATURE: "The webhook's signature, its time or its secret is wrong; the detail says which.",
    Reason.UNKNOWN_TYPE: "The event type is not one Footfall knows.",
    Reason.MISSING_ID: "Neither anonymousId nor userId nor another identifier is there.",
    Reason.BAD_IDENTIFIER: "An identifier is too long or malformed.",
    Reason.TIME_OUT_OF_RANGE: "The event time is before 2000 or after 2099, or is not a time.",
    Reason.BAD_ORDER: "The purchase cannot be read; the detail names the field.",
    Reason.BAD_TICKET: "The ticket cannot be read; the detail names the field.",
    Reason.BAD_FEEDBACK: "The feedback cannot be read; the detail names the field.",
    Reason.UNREADABLE_RECORD: "A record in the log is not one event per line in JSON.",
    Reason.PROCESSING_FAILED: "Footfall failed to process what it had taken: its own fault; report it.",
    Reason.DAMAGED_RECORD: "The disk gave back another record than was written, or none.",
    Reason.REJECTS_NOT_KEPT: "More was refused than is kept; the detail counts what was not.",
}


class Reject(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One refused input. `body` is the original event or request, Base64 in JSON; cut at 64 KiB.

    The body of a GET (`method`) is its query, or the event that stood there, as JSON. `opt_out`: the
    request said in a header that its visitor wants no profile.
    """

    id: str
    reason: Reason
    detail: str
    site: str
    received_at: int
    path: str
    body: bytes
    cut: bool = False
    sender: SentBy = ""
    method: Method = "POST"
    opt_out: bool = False


def price(reject: Reject) -> int:
    """What a reject costs where rejects are limited: the bytes it keeps, and OVERHEAD."""
    return len(reject.body) + OVERHEAD


def reject_row(
    reason: Reason, detail: str, site: str, path: str, body: bytes, received_at: int = 0
) -> RejectRow:
    """The row for input refused by the worker; the same input, the same id."""
    digest = blake2b(path.encode() + b"\n" + body, digest_size=16).hexdigest()
    return RejectRow(
        id=digest,
        reason=reason.value,
        detail=detail,
        site=site,
        received_at=received_at,
        path=path,
        body=as_text(body[:MAX_STORED_BODY]),
        cut=len(body) > MAX_STORED_BODY,
        sender="worker",
        method="POST",
        opt_out=False,
    )


def unreadable_row(line: bytes, error: Exception, topic: str, received_at: int = 0) -> RejectRow:
    """The reject of a record's line that is not what its topic holds, or that the disk damaged."""
    if line.startswith(DAMAGED):
        body, detail = line.removeprefix(DAMAGED), "The record's checksum is another one."
        return reject_row(Reason.DAMAGED_RECORD, detail, "", topic, body, received_at)
    return reject_row(Reason.UNREADABLE_RECORD, str(error), "", topic, line, received_at)


def as_text(body: bytes) -> str:
    """Original bytes as a text column holds them: as they are, or Base64 where they are no UTF-8.

    Text that looks like the latter is written so too: what was sent must not be taken for it.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = _BASE64
    return _BASE64 + b64encode(body).decode() if text.startswith(_BASE64) else text


def as_bytes(text: str) -> bytes:
    """The original bytes again."""
    return b64decode(text[len(_BASE64) :]) if text.startswith(_BASE64) else text.encode()
