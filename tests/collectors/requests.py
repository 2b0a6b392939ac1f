"""Requests as tests send them to admission."""

import base64
import json
from typing import Any

from collectors.admission import Admission, admit
from collectors.dialects.contract import Request
from schemas.events import Event
from schemas.keys import OPEN
from schemas.rejects import Reject

NOW = 1_795_255_200_000
"""2026-11-21T10:00:00Z."""
AT = "2026-11-21T10:00:00.000Z"
SHOP = OPEN._replace(site="shop")
"""A server's key of the site "shop"."""


def request(
    path: str, body: Any, *, query: str = "", headers: dict[str, str] | None = None
) -> Request:
    """A request at NOW. A body that is not bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Request(path, query, headers or {}, data, NOW, "nonce")


def basic(key: str) -> dict[str, str]:
    """The header that SDKs send a write key with."""
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def sent(path: str, body: Any, **more: Any) -> Admission:
    """Admission of one request, with no write keys configured."""
    return admit(request(path, body, **more), {})


def event(path: str, body: Any, **more: Any) -> Event:
    """The only event of a request that is taken."""
    admitted = sent(path, body, **more)
    assert admitted.rejects == []
    assert admitted.status == 200
    (only,) = admitted.events
    return only


def reject(path: str, body: Any, **more: Any) -> Reject:
    """The only reject of a request that holds nothing else."""
    admitted = sent(path, body, **more)
    assert admitted.events == []
    (only,) = admitted.rejects
    return only
