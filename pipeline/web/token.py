"""The token: who has it may see everything; without one, only this machine is served."""

import hmac
from base64 import b64decode
from collections.abc import Mapping

CHALLENGE = 'Basic realm="Footfall", charset="UTF-8"'
"""Makes browsers ask; whatever is given as user, the password is the token."""


def shows(headers: Mapping[str, str], token: str) -> bool:
    """Whether a request carries the token: as bearer, as Basic's password or as ClickHouse's key."""
    wanted = token.encode()
    shown = (headers.get("X-ClickHouse-Key", ""), _authorized(headers.get("Authorization", "")))
    return any(hmac.compare_digest(each.encode("utf-8", "replace"), wanted) for each in shown)


def _authorized(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
