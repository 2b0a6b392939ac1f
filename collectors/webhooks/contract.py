"""What a vendor of webhooks is: how its requests prove themselves, and what facts they tell. Pure."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

from collectors.dialects.contract import Request
from collectors.source_doc import SourceDoc

PURCHASES: Final = "/v1/purchases"
TICKETS: Final = "/v1/tickets"
FEEDBACK: Final = "/v1/feedback"


class Fact(NamedTuple):
    """One fact in the words of `collectors.dialects.typed`: the path it would be posted to, and the
    body. The body always has a `messageId` that a repeated delivery repeats."""

    path: str
    body: Mapping[str, Any]


class Vendor(Protocol):
    """One vendor. `headers` are those it reads, in lower case; `about` is what its page says."""

    name: str
    headers: frozenset[str]
    about: SourceDoc

    def verify(self, request: Request, secret: str) -> None:
        """Raise Refused(BAD_SIGNATURE) unless the bytes of `request.body` come from the vendor.

        `secret` is never empty. Compares in constant time.
        """

    def read(self, request: Request, body: bytes) -> list[Fact]:
        """The facts in a verified request, none where it tells nothing we keep. Raises Refused."""
