"""The HTTP edge: a bare ASGI application. Requests in, promises out.

POST  every path of `collectors.dialects`   200 once durable; 4xx final; 429, 503 try again later
GET   the same for those that take events in the query; the answer is a pixel
GET   what SDKs ask beside sending events   see `contract.Question`
POST  /webhooks/VENDOR/SITE                  200 once durable and verified; see `collectors.webhooks`
GET   /health /ready /metrics
/footfall.js, or what it was renamed to      see `collectors.snippet.served`
"""

from collections.abc import Awaitable, Callable, MutableMapping
from itertools import count
from time import monotonic
from typing import Any, Final
from uuid import uuid4

import msgspec

from collectors import limits, snippet
from collectors.admission import STATUS, Admitted, admit, rejected
from collectors.dialects import BY_PATH, answer, takes
from collectors.dialects.contract import HEADERS, PIXEL, TAKEN, Refused, Reply, Request
from collectors.enrichment import PLAIN, Enricher, addresses
from collectors.errors import Overloaded, PathTaken
from collectors.metrics import Metrics
from collectors.producer import Producer
from collectors.rates import Limited, Rates
from collectors.snippet.served import Served
from collectors.webhooks import doors
from collectors.webhooks.doors import Doors
from schemas.keys import Keys, pages
from schemas.rejects import MEANING, Reason

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_JSON: Final = (b"content-type", b"application/json")
_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_VARIES: Final = (b"vary", b"origin")
"""On answers to no origin too: a cache must not give those to pages."""
_RETRY_AFTER: Final = (b"retry-after", str(limits.RETRY_AFTER_SECONDS).encode())
_NOT_TAKEN: Final = b'{"success":false}'
_NOT_STORED: Final = (b"cache-control", b"no-store")
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
_PREFLIGHT: Final[Headers] = [
    (b"access-control-allow-methods", b"POST, GET, OPTIONS"),
    (b"access-control-allow-headers", _ALLOWED_HEADERS),
    (b"access-control-max-age", b"86400"),
]


class Gone(Exception):  # an outcome of waiting
    """The sender went away before its body was whole, or was too slow and was cut off."""


class Endpoint:
    """The ASGI application. One event loop; holds no event that has not been answered."""

    def __init__(
        self,
        producer: Producer,
        *,
        keys: Keys,
        clock: Callable[[], int],
        metrics: Metrics,
        doors: Doors | None = None,
        enricher: Enricher = PLAIN,
        snippet_path: str = snippet.PATH,
    ) -> None:
        """With no `keys`, everybody may send everything. `clock` gives the log's time, ms.

        `doors` are the webhooks that are open; none by default. `snippet_path` is where the
        snippet is served and sends to: blockers' lists know the usual names. Raises PathTaken.
        """
        self._producer, self._keys, self._clock = producer, keys, clock
        self._enricher = enricher
        self._rates = Rates(monotonic)
        self._origins = frozenset(origin.encode() for origin in pages(keys))
        self._metrics = metrics
        self._doors = Doors.of() if doors is None else doors
        self._wanted = {name.encode(): name for name in HEADERS | self._doors.headers}
        self._reading = 0
        process = uuid4().hex
        self._nonces = (f"{process}-{number}" for number in count())
        self._snippet = Served(snippet_path, clock)
        self._pages = {
            "/health": self._health,
            "/ready": self._ready,
            "/metrics": self._exposition,
        }
        if self._serves(snippet_path):
            raise PathTaken(
                f"FOOTFALL_SNIPPET_PATH is {snippet_path!r}, where the collector serves something "
                f"else. Choose another path, such as {snippet.PATH}."
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        # No path of ours has an escape, and rules of a proxy in front may not see through one.
        if b"%" in scope.get("raw_path", b""):
            await self._answer(send, 404, _NOT_TAKEN, [_JSON])
            return
        if scope["path"] == self._snippet.path:
            if scope["method"] in ("GET", "HEAD"):
                await self._serve_snippet(scope, send)
                return
            scope = {**scope, "path": snippet.EVENTS}
        method, path = scope["method"], scope["path"]
        if takes(method, path) or (method == "POST" and self._doors.serves(path)):
            await self._ingest(scope, receive, send)
        elif method == "HEAD" and self._doors.serves(path):
            await self._answer(send, 200, b"", [])  # Intercom asks before it saves a webhook
        elif method == "OPTIONS" and (path in BY_PATH or answer(path) is not None):
            allowed = self._cors(scope)
            more = _PREFLIGHT if len(allowed) > 1 else ()
            await self._answer(send, 204, b"", [*allowed, *more])
        elif method in ("GET", "HEAD") and path in self._pages:
            status, body, header = self._pages[path]()
            await self._answer(send, status, b"" if method == "HEAD" else body, [header])
        elif method in ("GET", "POST") and (reply := answer(path)) is not None:
            await self._answer(send, 200, reply.body, [_typed(reply), *self._cors(scope)])
        else:
            status = 405 if self._serves(path) else 404
            await self._answer(send, status, _NOT_TAKEN, [_JSON, *self._cors(scope)])

    def _serves(self, path: str) -> bool:
        known = path in BY_PATH or path in self._pages
        return known or self._doors.serves(path) or answer(path) is not None

    async def _serve_snippet(self, scope: Scope, send: Send) -> None:
        query = scope["query_string"].decode("latin-1")
        answered = self._snippet.answer(query, dict(scope["headers"]), _peer(scope))
        body = b"" if scope["method"] == "HEAD" else answered.body
        await self._answer(send, answered.status, body, [*answered.headers, *self._cors(scope)])

    async def _ingest(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [_JSON, *self._cors(scope)]
        asked = scope["method"] == "GET"
        try:
            body = scope["query_string"] if asked else await self._body(receive)
            admitted = self._admit(self._request(scope, body))
            await self._producer.append(admitted.events, admitted.rejects)
        except Gone:
            return
        except Limited as limited:
            self._metrics.limited[limited.site] += 1
            wait = (b"retry-after", str(limited.seconds).encode())
            await self._answer(send, 429, _NOT_TAKEN, [*headers, wait])
            return
        except Overloaded:
            await self._answer(send, 503, _NOT_TAKEN, [*headers, _RETRY_AFTER])
            return
        self._metrics.durable(admitted)
        if admitted.rejects:
            await self._answer(send, admitted.status, _refusal(admitted), headers)
            return
        dialect = BY_PATH.get(scope["path"])
        reply = PIXEL if asked else TAKEN if dialect is None else dialect.taken
        fresh = [_NOT_STORED] if asked else []
        await self._answer(send, 200, reply.body, [_typed(reply), *fresh, *headers[1:]])

    async def _body(self, receive: Receive) -> bytes:
        """The whole body, or a little more than MAX_BODY of it. Raises Gone and Overloaded."""
        message = await receive()
        if not message.get("more_body"):
            return _part(message)
        parts = bytearray()
        try:
            while message.get("more_body") and len(parts) <= limits.MAX_BODY:
                parts += _part(message)
                self._reading += len(_part(message))
                if self._reading > limits.MAX_READING:
                    raise Overloaded(f"{self._reading} bytes of bodies are arriving already.")
                message = await receive()
            return bytes(parts + _part(message))
        finally:
            self._reading -= len(parts)

    def _request(self, scope: Scope, body: bytes) -> Request:
        headers = {
            self._wanted[name]: value.decode("latin-1")
            for name, value in scope["headers"]
            if name in self._wanted
        }
        query = scope["query_string"].decode("latin-1")
        address = addresses.visitor(headers.get("x-forwarded-for", ""), _peer(scope))
        return Request(
            scope["path"], query, headers, body, self._clock(), next(self._nonces), address
        )

    def _admit(self, request: Request) -> Admitted:
        if len(request.body) <= limits.MAX_BODY:
            if self._doors.serves(request.path):
                return self._doors.admit(request)
            return admit(request, self._keys, self._rates, self._enricher)
        # Its end was not read: what there is of it is the reject.
        refused = Refused(Reason.BODY_TOO_LARGE, f"More than {limits.MAX_BODY} bytes")
        return Admitted(STATUS[refused.reason], [], [rejected(request, refused)])

    async def _answer(self, send: Send, status: int, body: bytes, headers: Headers) -> None:
        self._metrics.requests[status] += 1
        headers = [*headers, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _cors(self, scope: Scope) -> Headers:
        """Echo the origin, unless every browser's key is bound to others: trackers that send
        credentials refuse `*`. The one cookie is SameSite: it tells other sites' pages nothing.
        The operator's pages and the webhooks are for no browser."""
        if scope["path"] in self._pages or scope["path"].startswith(doors.BELOW):
            return []
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        if origin is None or (self._origins and origin not in self._origins):
            return [_VARIES]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            _VARIES,
        ]

    def _health(self) -> tuple[int, bytes, tuple[bytes, bytes]]:
        return 200, b"ok\n", _TEXT

    def _ready(self) -> tuple[int, bytes, tuple[bytes, bytes]]:
        if self._producer.healthy:
            return 200, b"ready\n", _TEXT
        return 503, b"the log could not be written\n", _TEXT

    def _exposition(self) -> tuple[int, bytes, tuple[bytes, bytes]]:
        return 200, self._metrics.text(), _TEXT


def _peer(scope: Scope) -> str:
    """The other end of the connection; a Unix socket has none."""
    peer: str = (scope.get("client") or ("",))[0]
    return peer


def _part(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise Gone
    part: bytes = message.get("body", b"")
    return part


def _typed(reply: Reply) -> tuple[bytes, bytes]:
    return (b"content-type", reply.content_type.encode())


def _refusal(admitted: Admitted) -> bytes:
    shown = admitted.rejects[:10]
    return msgspec.json.encode(
        {
            "success": admitted.status == 200,
            "accepted": len(admitted.events),
            "rejected": len(admitted.rejects),
            "reasons": [
                {"reason": one.reason, "detail": one.detail, "meaning": MEANING[one.reason]}
                for one in shown
            ],
        }
    )
