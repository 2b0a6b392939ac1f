"""Jitsu's SDK, in browsers and in Node.

    POST /api/s/{track,page,screen,identify,alias,group}       one event of the Segment spec
    POST /api/s/s2s/{…}                                        the same, from servers

The key comes as X-Write-Key; the body's own `writeKey` is masked ("kid:***") and says nothing.
The answer must be JSON: without `destinations` the SDK has nothing to load.
"""

from typing import Final

import msgspec
from msgspec import Struct

from collectors.dialects import reading, spec
from collectors.dialects.contract import Dialect, Envelope, Read, Reply, Request, Sender
from collectors.dialects.keys import sent_key
from collectors.source_doc import Example, Library, Link, SourceDoc, Where

_KINDS: Final = {
    f"/api/s/{way}{kind}": kind for way in ("", "s2s/") for kind in sorted(spec.KINDS - {"reset"})
}


class _Single(Struct, rename="camel"):
    sent_at: str | float | None = None


_single: Final = msgspec.json.Decoder(_Single)
_KEYS: Final[tuple[tuple[Where, str], ...]] = (("browser", "{key}"), ("node", "{server}"))


_ABOUT: Final = SourceDoc(
    title="Jitsu",
    purpose="Jitsu's own library, in browsers and in Node, sends here instead of to Jitsu.",
    connect="change the host of Jitsu's library",
    brings=("clicks", "purchases"),
    becomes=spec.BECOMES,
    not_taken=("Nothing is forwarded to other destinations, and none is loaded into the page.",),
    libraries=tuple(
        Library(
            "@jitsu/js",
            "1.11.0",
            where,
            'import { jitsuAnalytics } from "@jitsu/js";',
            'const analytics = jitsuAnalytics({ host: "https://….d.jitsu.com", writeKey: "ID:SECRET" });',
            'const analytics = jitsuAnalytics({ host: "{address}", writeKey: "' + key + ':any" });',
        )
        for where, key in _KEYS
    ),
    examples=(
        Example(
            """curl {address}/api/s/page -H 'X-Write-Key: {key}:any' \\
  -H 'Origin: https://www.myshop.example' -d '{
  "anonymousId": "d-1", "context": {"page": {"url": "https://www.myshop.example/tea"}}}'""",
            ("page",),
        ),
        Example(
            """curl {address}/api/s/s2s/track -H 'X-Write-Key: {server}:any' -d '{
  "userId": "u42", "event": "Order Completed",
  "properties": {"order_id": "1001", "total": 49.8, "currency": "EUR"}}'""",
            ("purchase",),
        ),
    ),
    notes=(
        "The library insists on a colon in its key; what stands after it is not read.",
        "With a `privacy.ipPolicy` other than `keep`, no address is kept.",
    ),
    documentation=(Link("Jitsu's JavaScript SDK", "https://github.com/jitsucom/jitsu"),),
)


class Jitsu(Dialect):
    """See `collectors.dialects.contract.Dialect`."""

    about = _ABOUT
    posts = frozenset(_KINDS)
    success = Reply("application/json", b'{"ok":true}')

    def open(self, request: Request, body: bytes) -> Envelope:
        """One event."""
        single = reading.decode(_single, body)
        return Envelope(sent_key(request, None), single.sent_at, [body], True)

    def read(self, item: bytes, default_id: str, sender: Sender) -> Read:
        """One event; its path says which."""
        return spec.read(_KINDS[sender.path], item, default_id, sender)
