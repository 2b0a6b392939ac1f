"""The token: who has it may see everything; without one, only this machine is served."""

import hmac
from base64 import b64decode
from collections.abc import Mapping

CHALLENGE = 'Basic realm="Footfall", charset="UTF-8"'
"""Makes browsers ask; whatever is given as user, the password is the token."""


def has_token(headers: Mapping[str, str], token: str) -> bool:
    """Whether a request carries the token: as bearer, as Basic's password or as ClickHouse's key."""
    expected = token.encode()
    presented = (headers.get("X-ClickHouse-Key", ""), _credential(headers.get("Authorization", "")))
    return any(
        hmac.compare_digest(value.encode("utf-8", "replace"), expected) for value in presented
    )


def _credential(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
