"""The way in: a raw request → events and rejects, and the HTTP status. Pure.

Request steps, in order: bounded → inflated → text → opened and counted → key known, allowed here
and within its rate. Event steps: small → modest → read → enriched, with what its key may not say
taken off → identified. The first step that fails says why; every refusal becomes a
Reject that keeps the original bytes. `STATUS` is the only place where a reason meets HTTP.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from collectors import limits, rights, times
from collectors.dialects import BY_PATH, reading
from collectors.dialects.contract import Dialect, Envelope, Refused, Request, Sender
from collectors.dialects.keys import sent_key
from collectors.enrichment import PLAIN, Enricher
from collectors.rates import Rates
from schemas.events import Event
from schemas.keys import Keys, WriteKey
from schemas.rejects import MAX_BODY, Reason, Reject

STATUS: Final[Mapping[Reason, int]] = {
    Reason.BODY_TOO_LARGE: 413,
    Reason.BAD_ENCODING: 415,
    Reason.BAD_JSON: 400,
    Reason.BAD_SHAPE: 400,
    Reason.BATCH_TOO_LARGE: 413,
    Reason.EVENT_TOO_LARGE: 413,
    Reason.UNKNOWN_KEY: 401,
    Reason.NOT_ALLOWED: 403,
    Reason.FORBIDDEN_ORIGIN: 403,
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

_GZIP: Final = b"\x1f\x8b"


class Admitted(NamedTuple):
    """What one request comes to. To be made durable before `status` is answered.

    `withheld`: site and missing right, once for each event that lost something for want of it.
    """

    status: int
    events: list[Event]
    rejects: list[Reject]
    withheld: Sequence[tuple[str, str]] = ()


def admit(
    request: Request, keys: Keys, rates: Rates | None = None, enricher: Enricher = PLAIN
) -> Admitted:
    """Every event of a request becomes an Event or a Reject, whatever the input.

    `request.path` must be one of `BY_PATH`. With no `keys`, every key is `schemas.keys.OPEN`.
    Raises Limited where the key has sent too much: then nothing is taken and nothing rejected.
    """
    dialect, site = BY_PATH[request.path], ""
    if rates is not None:
        _check_early(request, keys, rates)
    try:
        envelope = _open(dialect, request)
        key = rights.key_of(envelope.write_key, keys)
        site = key.site
        rights.check(key, request, secret=request.path in dialect.secret)
    except Refused as refused:
        return Admitted(STATUS[refused.reason], [], [rejected(request, refused, site=site)])
    if rates is not None:
        rates.pay(envelope.write_key, key, len(envelope.items), request.address)
    return _each(dialect, envelope, key, request, enricher)


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


def _check_early(request: Request, keys: Keys, rates: Rates) -> None:
    """What is over its rate is not even inflated, where the key stands outside the body."""
    name = sent_key(request, None) if keys else ""
    if key := keys.get(name):
        rates.check(name, key, request.address)


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


def _sender(request: Request, envelope: Envelope, site: str) -> Sender:
    # A `sentAt` that is no time cannot correct anything; it is not worth an event.
    sent = None if envelope.sent_at is None else times.milliseconds(envelope.sent_at)
    headers = request.headers
    return Sender(
        request.path, site, request.received_at, sent,
        headers.get("user-agent", ""), headers.get("sec-gpc") == "1", request.address,
    )  # fmt: skip


def _each(
    dialect: Dialect, envelope: Envelope, key: WriteKey, request: Request, enricher: Enricher
) -> Admitted:
    sender = _sender(request, envelope, key.site)
    events: list[Event] = []
    rejects: list[Reject] = []
    withheld: list[tuple[str, str]] = []
    for index, item in enumerate(envelope.items):
        try:
            _bound(item)
            read = dialect.read(item, _name(request, index), sender)
            changes = enricher.changes(read, sender)
            taken_off = rights.withheld(read.event, key)
            if taken_off:
                withheld += [(key.site, right) for right in rights.lost(taken_off)]
                changes.update(taken_off)
            event = replace(read.event, **changes) if changes else read.event
            _identified(event)
            events.append(event)
        except Refused as refused:
            reject = rejected(request, refused, site=sender.site, body=item, index=index)
            rejects.append(reject)
    status = STATUS[rejects[0].reason] if envelope.single and rejects else 200
    return Admitted(status, events, rejects, withheld)


def _bound(item: bytes) -> None:
    if len(item) > limits.MAX_EVENT:
        raise Refused(Reason.EVENT_TOO_LARGE, f"{len(item)} bytes")
    reading.modest(item)


def _identified(event: Event) -> None:
    if event.type == "reset" and not event.anonymous_id:
        raise Refused(Reason.MISSING_ID, "A reset needs an anonymousId")
    if not event.anonymous_id and not event.identifiers:
        raise Refused(Reason.MISSING_ID)


def _name(request: Request, index: int) -> str:
    """A name for a nameless event or reject; the request's nonce makes it unlike any other."""
    return f"{request.nonce}-{index}"


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
