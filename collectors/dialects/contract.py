"""What a dialect is: one foreign way of writing events, and how it becomes Events. Pure.

`collectors.admission` calls it: `open` once a request, `read` once an event. Both raise Refused.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from re import Match, Pattern
from typing import Any, Final, NamedTuple, Protocol

from msgspec import Struct

from collectors.source_doc import SourceDoc
from schemas.events import Event
from schemas.rejects import Method, Reason


class Refused(Exception):  # a decision about input, not an error
    """This input cannot be taken, and never will be."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class Request(NamedTuple):
    """A request as it came, apart from its transport.

    `headers` are those of `HEADERS`, by lower-case name. A GET's `body` is its query string, as
    its events are in there. `nonce` differs for every request: it names events and rejects that
    have no name of their own. `received_at` is ms. `address` is the sender's, "" where unknown.
    `first_at` is when a request that is sent again was first received, 0: this one is new.
    """

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    received_at: int
    nonce: str
    address: str = ""
    method: Method = "POST"
    first_at: int = 0


HEADERS = frozenset(
    {
        "authorization",
        "user-agent",
        "sec-gpc",
        "content-encoding",
        "x-write-key",
        "origin",
        "referer",
        "sp-anonymous",
        "x-ip-policy",
        "x-footfall-replay",
    }
)


class Reply(NamedTuple):
    """The body of a 200, with its content type."""

    content_type: str
    body: bytes


SUCCESS: Final = Reply("application/json", b'{"success":true}')
PIXEL: Final = Reply(
    "image/gif", b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
)
"""One transparent pixel: what every GET that brings an event is answered with."""


class Question(NamedTuple):
    """Something an SDK asks beside sending events. The answer depends on the path alone."""

    path: Pattern[str]
    answer: Callable[[Match[str]], Reply]


class Envelope(NamedTuple):
    """A request's events, each as its own JSON, and what they share.

    `single`: the request is one event, so a fault of the event is a fault of the request.
    """

    write_key: str
    sent_at: str | float | None
    items: list[bytes]
    single: bool


class Sender(NamedTuple):
    """What holds for every event of a request.

    `anonymous`: it asks that neither its address nor an id made of its connection is kept.
    """

    path: str
    site: str
    received_at: int
    sent_at: int | None
    user_agent: str
    opt_out: bool
    address: str = ""
    anonymous: bool = False


class Read(Struct, frozen=True):
    """One event, and what it says itself of its visitor's surroundings: raw, for the enrichment.

    `user_agent` and `ip` are "" where the event does not say them, and what holds for its request
    holds for it. `campaign` is Segment's `context.campaign`.
    """

    event: Event
    user_agent: str = ""
    ip: str = ""
    campaign: Mapping[str, Any] | None = None


class Dialect(Protocol):
    """One foreign format.

    `posts` and `gets` are the paths that bring events by each method, `questions` what its SDKs
    ask beside that, `success` what a POST hears once all its events are durable. `secret` are the
    paths that only a server's key may use. `about` is what its page says (`collectors.sources`).
    """

    about: SourceDoc
    posts: frozenset[str]
    gets: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    questions: tuple[Question, ...] = ()
    success: Reply = SUCCESS

    def open(self, request: Request, body: bytes) -> Envelope:
        """Take a request apart. `body` is inflated UTF-8."""

    def read(self, item: bytes, default_id: str, sender: Sender) -> Read:
        """One event. `default_id` is its message id where it brings none and has no own time."""
