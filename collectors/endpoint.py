"""The HTTP edge: a bare ASGI application. Requests in, promises out.

POST  every path of `collectors.dialects`   200 once durable; 4xx final; 503 try again later
GET   /footfall.js /health /ready /metrics
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from itertools import count
from typing import Any, Final
from uuid import uuid4

import msgspec

from collectors import limits, snippet
from collectors.admission import STATUS, Admitted, admit, rejected
from collectors.dialects import BY_PATH
from collectors.dialects.contract import HEADERS, Refused, Request
from collectors.errors import Overloaded
from collectors.metrics import Metrics
from collectors.producer import Producer
from schemas.rejects import MEANING, Reason

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_WANTED: Final = {name.encode(): name for name in HEADERS}
_JSON: Final = (b"content-type", b"application/json")
_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_SCRIPT: Final = (b"content-type", b"text/javascript; charset=utf-8")
_RETRY_AFTER: Final = (b"retry-after", str(limits.RETRY_AFTER_SECONDS).encode())
_NOT_TAKEN: Final = b'{"success":false}'
_TAKEN: Final = b'{"success":true}'
_ALLOWED_HEADERS: Final = b", ".join(
    (
        b"authorization",
        b"content-type",
        b"content-encoding",
        b"anonymousid",
        b"sentat",
        b"x-write-key",
        b"x-retry-count",
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
        write_keys: Mapping[str, str],
        origins: Iterable[str],
        clock: Callable[[], int],
        metrics: Metrics,
    ) -> None:
        """`origins` may use the endpoint from a browser; with none given, every origin may."""
        self._producer, self._write_keys, self._clock = producer, write_keys, clock
        self._origins = frozenset(origin.encode() for origin in origins)
        self._metrics = metrics
        self._reading = 0
        process = uuid4().hex
        self._nonces = (f"{process}-{number}" for number in count())
        self._pages = {
            "/footfall.js": self._snippet,
            "/health": self._health,
            "/ready": self._ready,
            "/metrics": self._exposition,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        method, path = scope["method"], scope["path"]
        if method == "POST" and path in BY_PATH:
            await self._ingest(scope, receive, send)
        elif method == "OPTIONS":
            await self._answer(send, 204, b"", [*self._cors(scope), *_PREFLIGHT])
        elif method in ("GET", "HEAD") and path in self._pages:
            status, body, header = self._pages[path]()
            headers = [header, *(self._cors(scope) if path == "/footfall.js" else ())]
            await self._answer(send, status, b"" if method == "HEAD" else body, headers)
        else:
            status = 405 if path in BY_PATH or path in self._pages else 404
            await self._answer(send, status, _NOT_TAKEN, [_JSON, *self._cors(scope)])

    async def _ingest(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [_JSON, *self._cors(scope)]
        try:
            body = await self._body(receive)
            admitted = self._admit(_request(scope, body, self._clock(), next(self._nonces)))
            await self._producer.append(admitted.events, admitted.rejects)
        except Gone:
            return
        except Overloaded:
            await self._answer(send, 503, _NOT_TAKEN, [*headers, _RETRY_AFTER])
            return
        self._metrics.durable(admitted)
        await self._answer(send, admitted.status, _reply(admitted), headers)

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

    def _admit(self, request: Request) -> Admitted:
        if len(request.body) <= limits.MAX_BODY:
            return admit(request, self._write_keys)
        # Its end was not read: what there is of it is the reject.
        refused = Refused(Reason.BODY_TOO_LARGE, f"More than {limits.MAX_BODY} bytes")
        return Admitted(STATUS[refused.reason], [], [rejected(request, refused)])

    async def _answer(self, send: Send, status: int, body: bytes, headers: Headers) -> None:
        self._metrics.requests[status] += 1
        headers = [*headers, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _cors(self, scope: Scope) -> Headers:
        """Echo the origin: trackers that send credentials refuse `*`. Nothing here reads cookies."""
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        if origin is None or (self._origins and origin not in self._origins):
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            (b"vary", b"origin"),
        ]

    def _snippet(self) -> tuple[int, bytes, tuple[bytes, bytes]]:
        return 200, snippet.script(), _SCRIPT

    def _health(self) -> tuple[int, bytes, tuple[bytes, bytes]]:
        return 200, b"ok\n", _TEXT

    def _ready(self) -> tuple[int, bytes, tuple[bytes, bytes]]:
        if self._producer.healthy:
            return 200, b"ready\n", _TEXT
        return 503, b"the log could not be written\n", _TEXT

    def _exposition(self) -> tuple[int, bytes, tuple[bytes, bytes]]:
        return 200, self._metrics.text(), _TEXT


def _part(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise Gone
    part: bytes = message.get("body", b"")
    return part


def _request(scope: Scope, body: bytes, received_at: int, nonce: str) -> Request:
    headers = {
        _WANTED[name]: value.decode("latin-1")
        for name, value in scope["headers"]
        if name in _WANTED
    }
    query = scope["query_string"].decode("latin-1")
    return Request(scope["path"], query, headers, body, received_at, nonce)


def _reply(admitted: Admitted) -> bytes:
    if not admitted.rejects:
        return _TAKEN
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
