"""The way in: a raw request → events and rejects, and the HTTP status. Pure.

Request steps, in order: bounded → inflated → text → opened and counted → known site. Event steps:
small → shallow → read → identified. The first step that fails says why; every refusal becomes a
Reject that keeps the original bytes. `STATUS` is the only place where a reason meets HTTP.
"""

import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

from collectors import limits, times
from collectors.dialects import BY_PATH, reading
from collectors.dialects.contract import Dialect, Envelope, Refused, Request, Sender
from schemas.events import Event
from schemas.rejects import MAX_BODY, Reason, Reject

STATUS: Final[Mapping[Reason, int]] = {
    Reason.BODY_TOO_LARGE: 413,
    Reason.BAD_ENCODING: 400,
    Reason.BAD_JSON: 400,
    Reason.BAD_SHAPE: 400,
    Reason.BATCH_TOO_LARGE: 413,
    Reason.EVENT_TOO_LARGE: 413,
    Reason.UNKNOWN_KEY: 401,
    Reason.BAD_SIGNATURE: 401,
    Reason.UNKNOWN_TYPE: 400,
    Reason.MISSING_ID: 400,
    Reason.BAD_IDENTIFIER: 400,
    Reason.TIME_OUT_OF_RANGE: 400,
    Reason.BAD_ORDER: 400,
    Reason.BAD_TICKET: 400,
    Reason.BAD_FEEDBACK: 400,
}
"""Answers to a request that is refused as a whole: all final, as SDKs drop what gets a 4xx.

A bad event in a readable batch is not one: the answer is 200 and the event is a reject.
"""

DEFAULT_SITE: Final = "default"
_GZIP: Final = b"\x1f\x8b"


class Admitted(NamedTuple):
    """What one request comes to. To be made durable before `status` is answered."""

    status: int
    events: list[Event]
    rejects: list[Reject]


def admit(request: Request, write_keys: Mapping[str, str]) -> Admitted:
    """Every event of a request becomes an Event or a Reject; never raises on any input.

    `request.path` must be one of `BY_PATH`. `write_keys` maps keys to sites; with none
    configured, every key is of the site "default".
    """
    try:
        dialect = BY_PATH[request.path]
        envelope = _open(dialect, request)
        site = _site(envelope.write_key, write_keys)
    except Refused as refused:
        return Admitted(STATUS[refused.reason], [], [rejected(request, refused)])
    return _each(dialect, envelope, _sender(request, envelope, site), request)


def rejected(
    request: Request, refused: Refused, *, site: str = "", body: bytes | None = None, index: int = 0
) -> Reject:
    """The reject for a request, or for its event number `index` whose bytes are `body`."""
    original = request.body if body is None else body
    return Reject(
        id=_name(request, index),
        reason=refused.reason,
        detail=_clean(refused.detail)[: limits.REJECT_DETAIL],
        site=site,
        received_at=request.received_at,
        path=_clean(request.path)[: limits.REJECT_PATH],
        body=original[:MAX_BODY],
        cut=len(original) > MAX_BODY,
    )


def _open(dialect: Dialect, request: Request) -> Envelope:
    if len(request.body) > limits.MAX_BODY:
        raise Refused(Reason.BODY_TOO_LARGE, f"More than {limits.MAX_BODY} bytes")
    body = inflated(request.body)
    _check_text(body)
    return dialect.open(request, body)


def inflated(body: bytes) -> bytes:
    """Undo one gzip coding, told by its magic bytes. Raises Refused past MAX_BODY.

    One member only: concatenated members have been used to burn CPU past every size limit.
    """
    if not body.startswith(_GZIP):
        return body
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, limits.MAX_BODY + 1)
    except zlib.error as error:
        raise Refused(Reason.BAD_ENCODING, f"gzip: {error}") from error
    if len(plain) > limits.MAX_BODY:
        raise Refused(Reason.BODY_TOO_LARGE, f"More than {limits.MAX_BODY} bytes once inflated")
    if not inflater.eof or inflater.unused_data:
        raise Refused(Reason.BAD_ENCODING, "gzip: truncated, or followed by more data")
    return plain


def _check_text(body: bytes) -> None:
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Refused(Reason.BAD_ENCODING, f"Not UTF-8 at byte {error.start}") from error


def _site(write_key: str, write_keys: Mapping[str, str]) -> str:
    if not write_keys:
        return DEFAULT_SITE
    site = write_keys.get(write_key)
    if site is None:
        raise Refused(Reason.UNKNOWN_KEY, "No write key" if not write_key else "")
    return site


def _sender(request: Request, envelope: Envelope, site: str) -> Sender:
    # A `sentAt` that is no time cannot correct anything; it is not worth an event.
    sent = None if envelope.sent_at is None else times.milliseconds(envelope.sent_at)
    headers = request.headers
    return Sender(
        request.path, site, request.received_at, sent,
        headers.get("user-agent", ""), headers.get("sec-gpc") == "1",
    )  # fmt: skip


def _each(dialect: Dialect, envelope: Envelope, sender: Sender, request: Request) -> Admitted:
    events: list[Event] = []
    rejects: list[Reject] = []
    for index, item in enumerate(envelope.items):
        try:
            _bound(item)
            event = dialect.read(item, _name(request, index), sender)
            _identified(event)
            events.append(event)
        except Refused as refused:
            reject = rejected(request, refused, site=sender.site, body=item, index=index)
            rejects.append(reject)
    status = STATUS[rejects[0].reason] if envelope.single and rejects else 200
    return Admitted(status, events, rejects)


def _bound(item: bytes) -> None:
    if len(item) > limits.MAX_EVENT:
        raise Refused(Reason.EVENT_TOO_LARGE, f"{len(item)} bytes")
    reading.shallow(item)


def _identified(event: Event) -> None:
    if event.type == "reset" and not event.anonymous_id:
        raise Refused(Reason.MISSING_ID, "A reset needs an anonymousId")
    if not event.anonymous_id and not event.identifiers:
        raise Refused(Reason.MISSING_ID)


def _name(request: Request, index: int) -> str:
    """A name for a nameless event or reject; the request's nonce makes it unlike any other."""
    return f"{request.nonce}-{index}"


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
