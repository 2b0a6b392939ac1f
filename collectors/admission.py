"""The way in: a raw request → events and rejects, and the HTTP status. Pure.

`admit` has the steps of a request in their order, `_admit_event` those of an event. The first step that
fails says why; every refusal becomes a Reject that keeps the original bytes. `STATUS` is the only place
where a reason meets HTTP.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from collectors import limits, times
from collectors.access import permissions
from collectors.access.rate_limits import NoRateLimits, Payer, RateLimits, cost
from collectors.dialects import BY_PATH, reading
from collectors.dialects.contract import Dialect, Envelope, Refused, Request, Sender
from collectors.dialects.keys import sent_key
from collectors.enrichment import PLAIN, Enricher
from schemas.events import Event
from schemas.keys import OPEN, Keys, WriteKey
from schemas.rejects import MAX_STORED_BODY, Reason, Reject, SentBy

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

_NOBODY: Final = "None of anonymousId, userId, email, phone and other identifiers"
_GZIP: Final = b"\x1f\x8b"
_UNLIMITED: Final = NoRateLimits()


class Paid(NamedTuple):
    """What a request has paid, or is to pay."""

    payer: Payer
    cost: float


class Admission(NamedTuple):
    """What one request comes to. To be made durable before `status` is answered.

    `withheld`: site and missing right, once for each event that lost something for want of it.
    `paid`: who paid how much, to be given back where nothing can be made durable.
    """

    status: int
    events: list[Event]
    rejects: list[Reject]
    withheld: Sequence[tuple[str, str]] = ()
    paid: Paid | None = None


def admit(
    request: Request, keys: Keys, rates: RateLimits | None = None, enricher: Enricher = PLAIN
) -> Admission:
    """Every event of a request becomes an Event or a Reject, whatever the input.

    `request.path` must be one of `BY_PATH`. With no `keys`, every key is `schemas.keys.OPEN`.
    Raises RateLimited where the key has sent too much: then nothing is taken and nothing rejected.
    """
    dialect, body = BY_PATH[request.path], b""
    payer, rates = _payer(request, keys), rates or _UNLIMITED
    rates.check(payer)  # what cannot be paid for is not even inflated
    try:
        body = _text(request)
        envelope = dialect.open(request, body)
        key = permissions.key_of(envelope.write_key, keys)
        payer = Payer(envelope.write_key, key, request.address)
        permissions.check(key, request, secret=request.path in dialect.secret)
    except Refused as refusal:
        paid = Paid(payer, cost(1, len(body) or _unread(request)))
        rates.pay(*paid)
        site, sender = payer.key.site if payer.key else "", permissions.sent_by(payer.key, request)
        reject = rejected(request, refusal, site=site, sender=sender)
        return Admission(STATUS[refusal.reason], [], [reject], (), paid)
    paid = Paid(payer, cost(len(envelope.items), len(body)))
    rates.take(*paid)
    return _admit_events(dialect, envelope, key, request, enricher, paid)


def rejected(
    request: Request,
    refused: Refused,
    *,
    site: str = "",
    sender: SentBy = "",
    body: bytes | None = None,
    index: int = 0,
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
        body=original[:MAX_STORED_BODY],
        cut=len(original) > MAX_STORED_BODY,
        sender=sender,
        method=request.method,
        opt_out=_opts_out(request),
    )


def _payer(request: Request, keys: Keys) -> Payer:
    """Who pays, as far as is known without the body."""
    name = sent_key(request, None) if keys else ""
    key = keys.get(name) if keys else OPEN
    return Payer(name if key else "", key, request.address)


def _unread(request: Request) -> int:
    """The bytes that were looked at of a body which cannot be inflated, or is no text."""
    return limits.MAX_BODY if request.body.startswith(_GZIP) else len(request.body)


def _text(request: Request) -> bytes:
    if len(request.body) > limits.MAX_BODY:
        raise Refused(Reason.BODY_TOO_LARGE, f"More than {limits.MAX_BODY} bytes")
    body = inflated(request.body)
    _check_text(body)
    return body


def inflated(body: bytes) -> bytes:
    """Undo one gzip coding, told by its magic bytes. Raises Refused past limits.MAX_BODY.

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
    if request.first_at:  # from the owner's machine; whether the visitor hid its own is not known
        opts_out = _opts_out(request)
        return Sender(request.path, site, request.first_at, sent, "", opts_out, anonymous=True)
    agent = request.headers.get("user-agent", "")
    return Sender(
        request.path,
        site,
        request.received_at,
        sent,
        agent,
        _opts_out(request),
        request.address,
        _anonymous(request),
    )


def _opts_out(request: Request) -> bool:
    return request.headers.get("sec-gpc") == "1"


def _anonymous(request: Request) -> bool:
    """Snowplow's header, whatever it says, and Jitsu's, which it leaves out to say `keep`.

    https://docs.snowplow.io/docs/events/anonymous-tracking
    """
    policy = request.headers.get("x-ip-policy", "keep")
    return "sp-anonymous" in request.headers or policy != "keep"


def _admit_events(
    dialect: Dialect,
    envelope: Envelope,
    key: WriteKey,
    request: Request,
    enricher: Enricher,
    paid: Paid,
) -> Admission:
    sender, by = _sender(request, envelope, key.site), permissions.sent_by(key, request)
    events: list[Event] = []
    rejects: list[Reject] = []
    withheld: list[tuple[str, str]] = []
    for index, item in enumerate(envelope.items):
        try:
            event, rights = _admit_event(
                dialect, item, _name(request, index), key, request, sender, enricher
            )
            events.append(event)
            withheld += [(key.site, right) for right in rights]
        except Refused as refusal:
            rejects.append(
                rejected(request, refusal, site=key.site, sender=by, body=item, index=index)
            )
    status = STATUS[rejects[0].reason] if envelope.single and rejects else 200
    return Admission(status, events, rejects, withheld, paid)


def _admit_event(
    dialect: Dialect,
    item: bytes,
    name: str,
    key: WriteKey,
    request: Request,
    sender: Sender,
    enricher: Enricher,
) -> tuple[Event, Sequence[str]]:
    """The steps of an event, in their order, and the rights for want of which it lost something."""
    _check_size(item)
    reading.modest(item)
    read = dialect.read(item, name, sender)
    _check_identified(read.event)  # before what is denied goes, as the reject would keep it
    changes = enricher.changes(read, sender)
    if request.first_at:
        changes["received_at"] = request.received_at
    emptied = permissions.withheld(read.event, key)
    changes.update(emptied)
    event = replace(read.event, **changes) if changes else read.event
    return event, permissions.lost(emptied) if emptied else ()


def _check_size(item: bytes) -> None:
    if len(item) > limits.MAX_EVENT:
        raise Refused(Reason.EVENT_TOO_LARGE, f"{len(item)} bytes")


def _check_identified(event: Event) -> None:
    if event.type == "reset" and not event.anonymous_id:
        raise Refused(Reason.MISSING_ID, "A reset needs an anonymousId")
    if not event.anonymous_id and not event.identifiers:
        raise Refused(Reason.MISSING_ID, _NOBODY)


def _name(request: Request, index: int) -> str:
    """A name for a nameless event or reject; the request's nonce makes it unlike any other.

    A request that is sent again has a reject's id for its nonce, so that what is refused in it
    again, or taken twice, has the same name as before.
    """
    return f"{request.nonce}-{index}" if index or not request.first_at else request.nonce


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
