"""Which messages without a device were here before: purchases and tickets from servers, imports.

They are few, and may be sent again months later (an import run twice), so their ids are kept by
event time. What comes at one time mostly happened at one time: a batch rewrites a bucket or two,
however many there were that day.
"""

from bisect import bisect_left
from hashlib import blake2b
from typing import Final

from pipeline.state.keyed import Keyed
from schemas.events import Event

DAY_MS: Final = 86_400_000
_BUCKET_MS: Final = 5 * 60_000
"""A thousand messages in it at 300,000 a day; 500 orders a day have about 200 buckets."""
WINDOW_DAYS: Final = 400
"""A bucket is forgotten when nothing was added to it for so long."""


def place(event: Event) -> tuple[str, int]:
    """The bucket's key and the message's 64-bit digest.

    The type counts: a click that a page's key sends with an order's id must not hide the order.
    """
    named = f"{event.type}\n{event.message_id}"
    digest = int.from_bytes(blake2b(named.encode(), digest_size=8).digest())
    return f"{event.site}\n{event.time // _BUCKET_MS}", digest


def is_new(table: Keyed[list[int]], key: str, digest: int) -> bool:
    """Remember a digest, in order; False where it was there already."""
    known = table.get(key)
    if known is None:
        known = []
    at = bisect_left(known, digest)
    if at < len(known) and known[at] == digest:
        return False
    known.insert(at, digest)
    table.put(key, known)
    return True
