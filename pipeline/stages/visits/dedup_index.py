"""Which messages without a device are repeats: purchases and tickets from servers, imports.

They are few, and may be sent again months later (an import run twice), so their ids are kept by
event time. Messages that arrive together mostly happened together: a batch rewrites a bucket or
two, however many messages the day has.
"""

from bisect import bisect_left
from hashlib import blake2b
from typing import Final

from pipeline.engine.state.keyed import Keyed
from schemas.events import Event
from schemas.time_units import MINUTE_MS

_BUCKET_MS: Final = 5 * MINUTE_MS
"""A thousand messages in it at 300,000 a day; 500 orders a day have about 200 buckets."""
MAX_DIGESTS: Final = 2_000
"""In one bucket: 40 KB at most are rewritten for a message."""
WINDOW_DAYS: Final = 400
"""A bucket is forgotten when nothing was added to it for so long."""


def bucket_and_digest(event: Event) -> tuple[str, int]:
    """The bucket's key and the message's 64-bit digest.

    The type counts: a click that a page's key sends with an order's id must not hide the order.
    """
    name = f"{event.type}\n{event.message_id}"
    digest = int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
    return f"{event.site}\n{event.time // _BUCKET_MS}", digest


def end_of(key: str) -> int:
    """The first time, ms, that is no longer in the bucket of a key."""
    number = key.rpartition("\n")[2].partition("/")[0]
    return (int(number) + 1) * _BUCKET_MS


def remember(table: Keyed[list[int]], key: str, digest: int) -> list[str]:
    """Add a digest. Answers the buckets from the key's to the one it is in; [] where it was there already.

    A full bucket stays as it is and continues in one of 16 others, chosen by the digest: so a sender
    that gives all its messages one time rewrites no more than others do.
    """
    buckets, remaining = [key], digest
    while True:
        digests = table.get(buckets[-1])
        if digests is None:
            digests = []
        index = bisect_left(digests, digest)
        if index < len(digests) and digests[index] == digest:
            return []
        if len(digests) < MAX_DIGESTS:
            digests.insert(index, digest)
            table.put(buckets[-1], digests)
            return buckets
        buckets.append(f"{buckets[-1]}/{remaining % 16:x}")
        remaining //= 16
