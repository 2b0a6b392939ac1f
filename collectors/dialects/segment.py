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

from collectors.dialects import reading, spec
from collectors.dialects.batches import Batches, Scalar
from collectors.dialects.contract import Dialect, Envelope, Question, Read, Reply, Request, Sender
from collectors.dialects.keys import sent_key
from collectors.source_doc import Becomes, Example, Library, Link, SourceDoc

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


_ABOUT: Final = SourceDoc(
    title="Segment",
    purpose="Segment's own libraries, for browsers and servers, send here instead of to Segment.",
    connect="change the host of Segment's library",
    brings=("clicks", "purchases"),
    becomes=(
        *spec.BECOMES,
        Becomes("`reset` (not in Segment's API)", "the device's next user is new"),
    ),
    not_taken=(
        "Segment's HTML snippet: it loads its library from Segment. Use the npm package.",
        "Nothing is forwarded to other destinations; `integrations` is not read.",
        "Settings are answered with this one destination: no plugins, no consent or plan of Segment's.",
    ),
    libraries=(
        Library(
            "@segment/analytics-next",
            "1.84.3",
            "browser",
            'import { AnalyticsBrowser } from "@segment/analytics-next";',
            'const analytics = AnalyticsBrowser.load({ writeKey: "SEGMENT_KEY" });',
            "const analytics = AnalyticsBrowser.load(\n"
            '  { writeKey: "{key}", cdnURL: "{address}" },\n'
            '  { integrations: { "Segment.io": { apiHost: "{host}/v1", protocol: "{scheme}" } } },\n'
            ");",
        ),
        Library(
            "@segment/analytics-node",
            "3.1.0",
            "node",
            'import { Analytics } from "@segment/analytics-node";',
            'const analytics = new Analytics({ writeKey: "SEGMENT_KEY" });',
            'const analytics = new Analytics({ writeKey: "{server}", host: "{address}" });',
        ),
        Library(
            "analytics-node",
            "6.2.0",
            "node",
            'import Analytics from "analytics-node";',
            'const analytics = new Analytics("SEGMENT_KEY");',
            'const analytics = new Analytics("{server}", { host: "{address}" });',
        ),
        Library(
            "segment-analytics-python",
            "2.4.0",
            "python",
            "import segment.analytics as analytics",
            'analytics.write_key = "SEGMENT_KEY"',
            'analytics.write_key = "{server}"\nanalytics.host = "{address}"',
        ),
        Library(
            "analytics-python",
            "1.4.post1",
            "python",
            "import analytics",
            'analytics.write_key = "SEGMENT_KEY"',
            'analytics.write_key = "{server}"\nanalytics.host = "{address}"',
        ),
    ),
    examples=(
        Example(
            """curl -u {server}: {address}/v1/batch -d '{"batch": [
  {"type": "page", "anonymousId": "d-1",
   "context": {"page": {"url": "https://www.myshop.example/tea", "title": "Tea"}}},
  {"type": "track", "event": "Product Added", "anonymousId": "d-1",
   "properties": {"product_id": "tea-1", "price": 24.9}},
  {"type": "identify", "anonymousId": "d-1", "userId": "u42", "traits": {"email": "ada@example.org"}},
  {"type": "track", "event": "Order Completed", "anonymousId": "d-1",
   "properties": {"order_id": "1001", "currency": "EUR",
                  "products": [{"product_id": "tea-1", "quantity": 2, "price": 24.9}]}}]}'""",
            ("page", "track", "identify", "purchase"),
        ),
    ),
    documentation=(
        Link(
            "HTTP API",
            "https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/",
        ),
        Link("E-commerce events", "https://segment.com/docs/connections/spec/ecommerce/v2/"),
    ),
)


class Segment(Dialect):
    """See `collectors.dialects.contract.Dialect`."""

    about = _ABOUT
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
