"""What an ASGI server hands over, and what is read from it."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from schemas.events import EARLIEST_MS, LATEST_MS

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_REPLAY: Final = re.compile(r"([0-9a-f-]{1,100}) ([0-9]{1,13})", re.ASCII)


class ClientDisconnected(Exception):  # an outcome of waiting
    """The sender went away before its body was whole, or was too slow and was cut off."""


def peer_address(scope: Scope) -> str:
    """The other end of the connection; a Unix socket has none."""
    peer: str = (scope.get("client") or ("",))[0]
    return peer


def replayed_reject(header: str) -> tuple[str, int]:
    """Id and time (ms) of the reject that is sent again; "" and 0 for a request that is new.

    No page can send this header from another origin. It says no more than the event could itself:
    its name and its time.
    """
    match = _REPLAY.fullmatch(header)
    if match is None or not EARLIEST_MS <= int(match[2]) < LATEST_MS:
        return "", 0
    return match[1], int(match[2])


def body_part(message: Message) -> bytes:
    """The bytes that a message brings. Raises ClientDisconnected."""
    if message["type"] == "http.disconnect":
        raise ClientDisconnected
    part: bytes = message.get("body", b"")
    return part
