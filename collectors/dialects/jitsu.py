"""Jitsu's SDK, in browsers and in Node.

    POST /api/s/{track,page,screen,identify,alias,group}       one event of the Segment spec
    POST /api/s/s2s/{…}                                        the same, from servers

The key comes as X-Write-Key; the body's own `writeKey` is masked ("kid:***") and says nothing.
The answer must be JSON: without `destinations` the SDK has nothing to load.
"""

from typing import Final

import msgspec
from msgspec import Struct

from collectors.dialects import jitsu_doc, reading, spec
from collectors.dialects.contract import Dialect, Envelope, Read, Reply, Request, Sender
from collectors.dialects.keys import sent_key

_KINDS: Final = {
    f"/api/s/{way}{kind}": kind for way in ("", "s2s/") for kind in sorted(spec.KINDS - {"reset"})
}


class _Single(Struct, rename="camel"):
    sent_at: str | float | None = None


_single: Final = msgspec.json.Decoder(_Single)


class Jitsu(Dialect):
    """See `collectors.dialects.contract.Dialect`."""

    about = jitsu_doc.ABOUT
    posts = frozenset(_KINDS)
    success = Reply("application/json", b'{"ok":true}')

    def open(self, request: Request, body: bytes) -> Envelope:
        """One event."""
        single = reading.decode(_single, body)
        return Envelope(sent_key(request, None), single.sent_at, [body], True)

    def read(self, item: bytes, default_id: str, sender: Sender) -> Read:
        """One event; its path says which."""
        return spec.read(_KINDS[sender.path], item, default_id, sender)
