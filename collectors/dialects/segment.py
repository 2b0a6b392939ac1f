"""The Segment HTTP API, as stock Segment and RudderStack SDKs speak it.

    POST /v1/{track,page,screen,identify,alias,group}   one event; also /v1/{t,p,s,i,a,g}
    POST /v1/reset                                      one event: the device's next user is new
    POST /v1/batch, /v1/b, /v1/import                   {"batch": [event, …], "sentAt": …}
    GET  /v1/projects/KEY/settings                      what analytics-next asks of its CDN

The write key comes by Basic auth (`KEY:`), in the body (`writeKey`) or in the query (beacons).
Content-Type says nothing: browsers send JSON as text/plain.
"""

import re
from typing import Final

import msgspec
from msgspec import Raw, Struct

from collectors.dialects import reading, segment_doc, spec
from collectors.dialects.batches import Batches, Scalar
from collectors.dialects.contract import Dialect, Envelope, Question, Read, Reply, Request, Sender
from collectors.dialects.keys import sent_key

_SHORT: Final = {
    "t": "track",
    "p": "page",
    "s": "screen",
    "i": "identify",
    "a": "alias",
    "g": "group",
}
_BATCH: Final = frozenset({"/v1/batch", "/v1/b", "/v1/import"})
_SINGLE: Final[dict[str, str]] = {
    **{f"/v1/{kind}": kind for kind in sorted(spec.KINDS)},
    **{f"/v1/{short}": kind for short, kind in _SHORT.items()},
}


class _Batch(Struct, rename="camel"):
    batch: list[Raw]
    write_key: Scalar = None
    sent_at: str | float | None = None


class _Single(Struct, rename="camel"):
    write_key: Scalar = None
    sent_at: str | float | None = None


_batch: Final = Batches(_Batch, "batch")
_single: Final = msgspec.json.Decoder(_Single)


def open_batch(request: Request, body: bytes) -> Envelope:
    """`{"batch": [event, …]}`, as RudderStack's beacons have it too."""
    batch = reading.decode(_batch, body)
    key = sent_key(request, batch.write_key)
    return Envelope(key, batch.sent_at, reading.apart(batch.batch), False)


def open_single(request: Request, body: bytes) -> Envelope:
    """One event with the request's own fields beside its own."""
    single = reading.decode(_single, body)
    return Envelope(sent_key(request, single.write_key), single.sent_at, [body], True)


def _settings(found: re.Match[str]) -> Reply:
    """No destinations but this one. The address to send to stays what the page says."""
    settings = {
        "integrations": {"Segment.io": {"apiKey": found["key"]}},
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "metrics": {"sampleRate": 0},
    }
    return Reply("application/json", msgspec.json.encode(settings))


class Segment(Dialect):
    """See `collectors.dialects.contract.Dialect`."""

    about = segment_doc.ABOUT
    posts = frozenset(_SINGLE) | _BATCH
    secret = frozenset({"/v1/import"})
    questions = (
        Question(re.compile(r"/v1/projects/(?P<key>[\w-]{1,128})/settings", re.ASCII), _settings),
    )

    def open(self, request: Request, body: bytes) -> Envelope:
        """Single paths hold one event, batch paths a list."""
        return (open_batch if request.path in _BATCH else open_single)(request, body)

    def read(self, item: bytes, default_id: str, sender: Sender) -> Read:
        """One event; in a batch its `type` says which, on a single path the path does."""
        return spec.read(_SINGLE.get(sender.path), item, default_id, sender)
