"""What a write key allows. Pure.

A browser's key is public, so whoever has it can send what it likes: what the key may not say is
taken off the event and the rest is kept, or refused where nothing is left.
"""

from collections.abc import Iterable
from typing import Any, Final

from collectors.dialects.contract import Refused, Request
from schemas.events import ORDER_EVENTS, Event
from schemas.keys import IDENTIFY, OPEN, PURCHASE, Keys, WriteKey, origin_of
from schemas.rejects import Reason, SentBy

_FROM_NOWHERE: Final = "Neither Origin nor Referer"
_NO_KEY: Final = (
    "No key came: send it as Basic user (`curl -u KEY:`) or `writeKey`; a bearer token is not read"
)
_NOBODY: Final = "The key has no right `identify`, and the event no anonymousId"
_LEAKED: Final = "A key of FOOTFALL_SERVER_KEYS came from a page: change it"
_FIELDS: Final = {"identifiers": IDENTIFY, "order": PURCHASE}
_NAMED: Final = {status: name for name, status in ORDER_EVENTS.items()}


def key_of(name: str, keys: Keys) -> WriteKey:
    """The key of that name. Raises Refused(UNKNOWN_KEY)."""
    if not keys:
        return OPEN
    key = keys.get(name)
    if key is None:
        raise Refused(Reason.UNKNOWN_KEY, _unknown(name))
    return key


def _unknown(name: str) -> str:
    """Enough to find the key that was meant, too little to learn one that was nearly typed right."""
    return f"A key beginning {name[:3]}… is not set" if name else _NO_KEY


def lost(changes: Iterable[str]) -> list[str]:
    """The rights for want of which these fields were emptied."""
    return [right for field, right in _FIELDS.items() if field in changes]


def check(key: WriteKey, request: Request, *, secret: bool) -> None:
    """May this request be made with this key? `secret`: what it brings only servers may send.

    Raises Refused(NOT_ALLOWED) and Refused(FORBIDDEN_ORIGIN).
    """
    if key is OPEN:
        return
    origin = _origin(request)
    if secret and not key.server:
        raise Refused(Reason.NOT_ALLOWED, f"{request.path} takes a key of FOOTFALL_SERVER_KEYS")
    if key.server and origin:
        raise Refused(Reason.NOT_ALLOWED, _LEAKED)
    if key.origins and origin not in key.origins:
        raise Refused(Reason.FORBIDDEN_ORIGIN, origin or _FROM_NOWHERE)


def sent_by(key: WriteKey | None, request: Request) -> SentBy:
    """Whose rights the request came with. A secret makes no server of a page that it stands in."""
    if key is None:
        return ""
    return "server" if key.server and not _origin(request) else "page"


def _origin(request: Request) -> str:
    return request.headers.get("origin", "") or origin_of(request.headers.get("referer", ""))


def withheld(event: Event, key: WriteKey) -> dict[str, Any]:
    """The fields of an event that its key may not fill, emptied. Raises Refused(NOT_ALLOWED).

    From a page an order can only be completed: who could take one back could take back anybody's.
    """
    if key.server:
        return {}
    changes: dict[str, Any] = {}
    if not key.identify and (event.identifiers or event.previous_id):
        if not event.anonymous_id:
            raise Refused(Reason.NOT_ALLOWED, _NOBODY)
        changes = {"identifiers": (), "previous_id": ""}
    if event.order and not (key.purchase and event.order.status == "completed"):
        changes |= {"type": "track", "event": _NAMED[event.order.status], "order": None}
    return changes
