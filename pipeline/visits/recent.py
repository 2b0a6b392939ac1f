"""Which messages without a device were here before: purchases and tickets from servers, imports.

They are few, and may be sent again months later (an import run twice), so their ids are kept by
day of event time, in buckets small enough that a batch rewrites little.
"""

from hashlib import blake2b
from typing import Final

from pipeline.state.keyed import Keyed

DAY_MS: Final = 86_400_000
_BUCKETS: Final = 64
WINDOW_DAYS: Final = 400
"""A bucket is forgotten when nothing was added to it for so long."""


def place(site: str, time: int, message_id: str) -> tuple[str, int]:
    """The bucket's key and the message's 64-bit digest."""
    digest = int.from_bytes(blake2b(message_id.encode(), digest_size=8).digest())
    return f"{site}\n{time // DAY_MS}\n{digest % _BUCKETS}", digest


def is_new(table: Keyed[list[int]], key: str, digest: int) -> bool:
    """Remember a digest; False where it was there already."""
    known = table.get(key)
    if known is None:
        known = []
    elif digest in known:
        return False
    known.append(digest)
    table.put(key, known)
    return True
