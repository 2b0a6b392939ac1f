"""Servers' keys are taken out of what is kept of refused input: who reads rejects need not know them.

Pure. Sought as they stand, and with the escapes of queries and forms.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from collectors import limits
from schemas.keys import Keys
from schemas.rejects import MAX_BODY, Reject

BLANK: Final = b"***"
SHORTEST: Final = 6
"""Characters: a shorter key is found in any text, and so guessed anyway."""
_GZIP: Final = b"\x1f\x8b"


def secret_patterns(keys: Keys) -> tuple[bytes, ...]:
    """What is to be redact; the longest first, as one may begin with another."""
    names = [name for name, key in keys.items() if key.server and len(name) >= SHORTEST]
    forms = {form.encode() for name in names for form in (name, quote(name, safe=""))}
    return tuple(sorted(forms, key=len, reverse=True))


def redact(reject: Reject, secrets: Sequence[bytes]) -> Reject:
    """The reject without any of the secrets. A gzipped body that has one is kept inflated."""
    if not secrets:
        return reject
    plain = _inflated(reject.body) if reject.body.startswith(_GZIP) else reject.body
    body = _without(plain, secrets)
    if reject.cut:
        body = body[: len(body) - _begun(body, secrets)]
    if body == plain:
        return reject
    return replace(reject, body=body[:MAX_BODY], cut=reject.cut or len(body) > MAX_BODY)


def _inflated(body: bytes) -> bytes:
    """As far as it goes: what is cut, or ends with junk, can be read up to there."""
    try:
        return zlib.decompressobj(wbits=31).decompress(body, limits.MAX_BODY)
    except zlib.error:
        return body


def _without(body: bytes, secrets: Iterable[bytes]) -> bytes:
    for secret in secrets:
        body = body.replace(secret, BLANK)
    return body


def _begun(body: bytes, secrets: Iterable[bytes]) -> int:
    """How many bytes at its end may be those that a secret begins with."""
    begun = (n for secret in secrets for n in range(1, len(secret)) if body.endswith(secret[:n]))
    return max(begun, default=0)
