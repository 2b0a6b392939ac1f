"""Where senders put the write key when it is not in the body."""

from base64 import b64decode
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qs

from collectors.dialects.contract import Request

_LONGEST: Final = 1_024
"""Characters of a header that is looked at; a thousand of them are remembered."""


def sent_key(request: Request, in_body: Any) -> str:
    """The query's `writeKey`, else Basic auth's user, X-Write-Key's, the body's or "".

    The query first: a page behind a password sends that password along with every request.

    Jitsu's SDK insists on KEY:SECRET in X-Write-Key; as in Basic auth, the part before the colon
    is the key.
    """
    key = _query_key(request.query) if "writeKey" in request.query else ""
    if key:
        return key
    headers = request.headers
    authorization = headers.get("authorization", "")
    key = _basic_user(authorization) if 0 < len(authorization) <= _LONGEST else ""
    key = key or headers.get("x-write-key", "").partition(":")[0]
    return key or (in_body if isinstance(in_body, str) else "")


@lru_cache(maxsize=1_024)
def _basic_user(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[0]
    except ValueError:
        return ""


def _query_key(query: str) -> str:
    try:
        return parse_qs(query, max_num_fields=32).get("writeKey", [""])[0]
    except ValueError:
        return ""
