"""How vendors sign: comparisons in constant time, over the bytes as they came. All raise Refused.

Text is compared, not what it decodes to: each signature has one spelling.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

from collectors import times
from collectors.dialects.contract import Refused, Request
from schemas.rejects import Reason

TOLERANCE_MS: Final = 300_000
"""How far a signed time may be from ours, either way: what Stripe and Standard Webhooks advise."""
_DIGITS: Final = 12


def base64_of(secret: bytes, message: bytes) -> str:
    """HMAC-SHA256 in Base64."""
    return b64encode(hmac.digest(secret, message, "sha256")).decode()


def hex_of(secret: bytes, message: bytes, algorithm: str = "sha256") -> str:
    """HMAC in lower-case hexadecimal."""
    return hmac.digest(secret, message, algorithm).hex()


def check(value: str, expected: str) -> None:
    """`value` must be `expected`. Raises Refused(BAD_SIGNATURE)."""
    check_any((value,), expected)


def check_any(candidates: Iterable[str], expected: str) -> None:
    """One of `candidates` must be `expected`: while a secret is changed, vendors sign with both.

    Raises Refused(BAD_SIGNATURE).
    """
    required, matches = expected.encode(), False
    for item in candidates:
        matches |= hmac.compare_digest(item.encode(), required)
    if not matches:
        raise Refused(Reason.BAD_SIGNATURE, "The signature does not fit the body and the secret")


def check_fresh(signed_at: int | None, now: int) -> None:
    """The signed time, ms, must be there and close to ours: an old delivery is a replay.

    Raises Refused(BAD_SIGNATURE).
    """
    if signed_at is None:
        raise Refused(Reason.BAD_SIGNATURE, "The signed time is missing or is not a time")
    if abs(now - signed_at) > TOLERANCE_MS:
        apart = round((now - signed_at) / 1000)
        raise Refused(Reason.BAD_SIGNATURE, f"Signed {apart} s ago; at most 300 s are taken")


def seconds(text: str) -> int | None:
    """Seconds since 1970 as signatures write them → ms."""
    plain = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(text) * 1000 if plain else None


def iso(text: str) -> int | None:
    """ISO 8601 → ms."""
    return times.milliseconds(text)


def shared_secret(request: Request, secret: str) -> None:
    """The secret itself, where nothing is signed: X-Webhook-Secret, a bearer token, or the password
    of Basic auth. Raises Refused(BAD_SIGNATURE)."""
    value = request.headers.get("x-webhook-secret") or _credentials(request)
    required = secret.encode()
    if not hmac.compare_digest(value.encode(), required):
        raise Refused(Reason.BAD_SIGNATURE, "The secret is missing or is another one")


def _credentials(request: Request) -> str:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


SHARED_SECRET_HEADERS: Final = frozenset({"x-webhook-secret", "authorization"})
