"""Headers and bodies of answers."""

from typing import Final

import msgspec

from collectors import limits
from collectors.admission import Admission
from collectors.asgi import Headers
from collectors.dialects import BY_PATH
from collectors.dialects.contract import SUCCESS, Reply
from schemas.rejects import MEANING

JSON: Final = (b"content-type", b"application/json")
TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
VARY_ORIGIN: Final = (b"vary", b"origin")
"""On answers to no origin too: a cache must not give those to pages."""
RETRY_AFTER: Final = (b"retry-after", str(limits.RETRY_AFTER_SECONDS).encode())
NO_STORE: Final = (b"cache-control", b"no-store")
"""A pixel that a cache answers is an event that nobody hears of."""
_ALLOWED_HEADERS: Final = b", ".join(
    (
        b"authorization",
        b"content-type",
        b"content-encoding",
        b"anonymousid",
        b"sentat",
        b"x-write-key",
        b"x-retry-count",
        b"x-ip-policy",
        b"sp-anonymous",
    )
)
PREFLIGHT: Final[Headers] = [
    (b"access-control-allow-methods", b"POST, GET, OPTIONS"),
    (b"access-control-allow-headers", _ALLOWED_HEADERS),
    (b"access-control-max-age", b"86400"),
]


def success_reply(path: str) -> Reply:
    """What the path's SDKs take for success."""
    dialect = BY_PATH.get(path)
    return SUCCESS if dialect is None else dialect.success


def content_type(reply: Reply) -> tuple[bytes, bytes]:
    """The header."""
    return (b"content-type", reply.content_type.encode())


def refusal(admission: Admission, accepted_count: int) -> bytes:
    """The body for a request with rejects; `accepted_count`: its events that are durable."""
    visible = admission.rejects[:10]
    return msgspec.json.encode(
        {
            "success": admission.status == 200,
            "accepted": accepted_count,
            "rejected": len(admission.rejects),
            "reasons": [
                {"reason": item.reason, "detail": item.detail, "meaning": MEANING[item.reason]}
                for item in visible
            ],
        }
    )
