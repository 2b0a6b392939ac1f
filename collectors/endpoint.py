"""The HTTP edge: a bare ASGI application. Requests in, promises out.

POST  every path of `collectors.dialects`   200 once durable; 4xx final; 429, 503 try again later
GET   the same for those that take events in the query; the answer is a pixel
GET   what SDKs ask beside sending events   see `contract.Question`
POST  /webhooks/VENDOR/SITE                  200 once durable and verified; see `collectors.webhooks`
GET   /health /ready /metrics
/footfall.js, or what it was renamed to      see `collectors.snippet.served`
"""

from collections.abc import Callable, Iterable
from itertools import count
from time import monotonic
from uuid import uuid4

from collectors import error_responses, limits, snippet
from collectors.access.rate_limits import RateLimited, RateLimits
from collectors.access.redaction import redact, secret_patterns
from collectors.admission import STATUS, Admission, Paid, admit, rejected
from collectors.asgi import (
    ClientDisconnected,
    Headers,
    Receive,
    Scope,
    Send,
    body_part,
    peer_address,
    replayed_reject,
)
from collectors.dialects import BY_PATH, answer, takes
from collectors.dialects.contract import HEADERS, PIXEL, Refused, Request
from collectors.enrichment import PLAIN, Enricher
from collectors.errors import Overloaded, PathTaken
from collectors.metrics import Metrics
from collectors.producers.base import Producer
from collectors.replies import (
    JSON,
    NO_STORE,
    PREFLIGHT,
    RETRY_AFTER,
    TEXT,
    VARY_ORIGIN,
    content_type,
    refusal,
    success_reply,
)
from collectors.snippet.served import Served
from collectors.webhooks.router import BELOW, Router
from schemas.keys import Keys, pages
from schemas.rejects import Reason, Reject


class Endpoint:
    """The ASGI application. One event loop; holds no event that has not been answered."""

    def __init__(
        self,
        producer: Producer,
        *,
        keys: Keys,
        clock: Callable[[], int],
        metrics: Metrics,
        router: Router | None = None,
        enricher: Enricher = PLAIN,
        snippet_path: str = snippet.PATH,
    ) -> None:
        """With no `keys`, everybody may send everything. `clock` gives the log's time, ms.

        `router` serves the webhooks; none is open by default. `snippet_path` is where the
        snippet is served and sends to: blockers' lists know the usual names. Raises PathTaken.
        """
        self._producer, self._keys, self._clock = producer, keys, clock
        self._metrics, self._enricher = metrics, enricher
        self._rate_limits, self._secrets = RateLimits(monotonic), secret_patterns(keys)
        self._origins = frozenset(origin.encode() for origin in pages(keys))
        self._router = Router.of() if router is None else router
        self._wanted = {name.encode(): name for name in HEADERS | self._router.headers}
        self._reading = 0
        self._nonces = map(f"{uuid4().hex}-{{}}".format, count())
        self._snippet = Served(snippet_path, clock)
        self._pages = {"/health": self._health, "/ready": self._ready, "/metrics": self._exposition}
        self._check_free(snippet_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        # No path of ours has an escape, and rules of a proxy in front may not see through one.
        if b"%" in scope.get("raw_path", b""):
            await self._answer(send, 404, error_responses.NOT_FOUND, [JSON])
            return
        if scope["path"] == self._snippet.path:
            if scope["method"] in ("GET", "HEAD"):
                await self._serve_snippet(scope, send)
                return
            scope = {**scope, "path": snippet.EVENTS}
        method, path = scope["method"], scope["path"]
        if takes(method, path) or (method == "POST" and self._router.serves(path)):
            await self._ingest(scope, receive, send)
        elif method == "HEAD" and self._router.serves(path):
            await self._answer(send, 200, b"", [])  # Intercom asks before it saves a webhook
        elif method == "OPTIONS" and (path in BY_PATH or answer(path) is not None):
            allowed = self._cors(scope)
            extra = PREFLIGHT if len(allowed) > 1 else ()
            await self._answer(send, 204, b"", [*allowed, *extra])
        elif method in ("GET", "HEAD") and path in self._pages:
            status, body, header = self._pages[path]()
            await self._answer(send, status, b"" if method == "HEAD" else body, [header])
        elif method in ("GET", "POST") and (reply := answer(path)) is not None:
            await self._answer(send, 200, reply.body, [content_type(reply), *self._cors(scope)])
        else:
            await self._nothing_there(scope, send)

    def _check_free(self, path: str) -> None:
        if self._methods(path):
            raise PathTaken(
                f"FOOTFALL_SNIPPET_PATH is {path!r}, where the collector serves something else. "
                f"Choose another path, such as {snippet.PATH}."
            )

    async def _nothing_there(self, scope: Scope, send: Send) -> None:
        headers = [JSON, *self._cors(scope)]
        if methods := ", ".join(self._methods(scope["path"])):
            allow = (b"allow", methods.encode())
            await self._answer(send, 405, error_responses.wrong_method(methods), [*headers, allow])
        else:
            await self._answer(send, 404, error_responses.NOT_FOUND, headers)

    def _methods(self, path: str) -> list[str]:
        served_by = self._router.serves(path), path in self._pages, answer(path) is not None
        served = {
            "GET": takes("GET", path) or served_by[1] or served_by[2],
            "POST": takes("POST", path) or served_by[0] or served_by[2],
        }
        return [method for method, is_served in served.items() if is_served]

    async def _serve_snippet(self, scope: Scope, send: Send) -> None:
        query = scope["query_string"].decode("latin-1")
        response = self._snippet.answer(query, dict(scope["headers"]), self._visitor(scope))
        body = b"" if scope["method"] == "HEAD" else response.body
        await self._answer(send, response.status, body, [*response.headers, *self._cors(scope)])

    async def _ingest(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [JSON, *self._cors(scope)]
        is_get = scope["method"] == "GET"
        paid: Paid | None = None
        try:
            body = scope["query_string"] if is_get else await self._body(receive)
            admission = self._admit(self._request(scope, body))
            paid = admission.paid
            durable = self._producer.append(admission.events, self._redacted(admission.rejects))
            accepted_count, admission = len(admission.events), admission._replace(events=[])
            await durable
        except ClientDisconnected:
            return
        except RateLimited as limit_error:
            self._metrics.limited[limit_error.site] += 1
            wait = (b"retry-after", str(limit_error.seconds).encode())
            await self._answer(
                send, 429, error_responses.over_rate(limit_error.seconds), [*headers, wait]
            )
            return
        except Overloaded:
            if paid:
                self._rate_limits.pay(paid.payer, -paid.cost)
            await self._answer(send, 503, error_responses.AWAY, [*headers, RETRY_AFTER])
            return
        self._metrics.durable(accepted_count, admission.withheld)
        if admission.rejects:
            await self._answer(send, admission.status, refusal(admission, accepted_count), headers)
            return
        reply = PIXEL if is_get else success_reply(scope["path"])
        fresh = [NO_STORE] if is_get else []
        await self._answer(send, 200, reply.body, [content_type(reply), *fresh, *headers[1:]])

    def _redacted(self, rejects: Iterable[Reject]) -> list[Reject]:
        return [redact(item, self._secrets) for item in rejects]

    async def _body(self, receive: Receive) -> bytes:
        """The whole body, or a little more than MAX_BODY of it. Raises ClientDisconnected and Overloaded."""
        message = await receive()
        if not message.get("more_body"):
            return body_part(message)
        parts = bytearray()
        try:
            while message.get("more_body") and len(parts) <= limits.MAX_BODY:
                parts += body_part(message)
                self._reading += len(body_part(message))
                if self._reading > limits.MAX_READING:
                    raise Overloaded(f"{self._reading} bytes of bodies are arriving already.")
                message = await receive()
            return bytes(parts + body_part(message))
        finally:
            self._reading -= len(parts)

    def _request(self, scope: Scope, body: bytes) -> Request:
        headers = {
            self._wanted[name]: value.decode("latin-1")
            for name, value in scope["headers"]
            if name in self._wanted
        }
        query = scope["query_string"].decode("latin-1")
        nonce, first_at = replayed_reject(headers.get("x-footfall-replay", ""))
        return Request(
            scope["path"],
            query,
            headers,
            body,
            self._clock(),
            nonce or next(self._nonces),
            self._visitor(scope),
            scope["method"],
            first_at,
        )

    def _visitor(self, scope: Scope) -> str:
        """Whose address counts. Proxies may add a line of X-Forwarded-For instead of a word."""
        lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return self._enricher.proxies.visitor(
            b",".join(lines).decode("latin-1"), peer_address(scope)
        )

    def _admit(self, request: Request) -> Admission:
        if len(request.body) <= limits.MAX_BODY:
            if self._router.serves(request.path):
                return self._router.admit(request)
            return admit(request, self._keys, self._rate_limits, self._enricher)
        # Its end was not read: what there is of it is the reject.
        refused = Refused(Reason.BODY_TOO_LARGE, f"More than {limits.MAX_BODY} bytes")
        return Admission(STATUS[refused.reason], [], [rejected(request, refused)])

    async def _answer(self, send: Send, status: int, body: bytes, headers: Headers) -> None:
        self._metrics.requests[status] += 1
        headers = [*headers, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _cors(self, scope: Scope) -> Headers:
        """Echo the origin, unless every browser's key is bound to others: trackers that send
        credentials refuse `*`. The one cookie is SameSite: it tells other sites' pages nothing.
        The operator's pages and the webhooks are for no browser."""
        if scope["path"] in self._pages or scope["path"].startswith(BELOW):
            return []
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        if origin is None or (self._origins and origin not in self._origins):
            return [VARY_ORIGIN]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            VARY_ORIGIN,
        ]

    def _health(self) -> tuple[int, bytes, tuple[bytes, bytes]]:
        return 200, b"ok\n", TEXT

    def _ready(self) -> tuple[int, bytes, tuple[bytes, bytes]]:
        if trouble := self._producer.trouble:
            return 503, f"the log could not be written: {trouble}\n".encode(), TEXT
        return 200, b"ready\n", TEXT

    def _exposition(self) -> tuple[int, bytes, tuple[bytes, bytes]]:
        return 200, self._metrics.text(), TEXT
