"""What a collector answers on the snippet's own path: the script, and who this device is. Pure.

    GET  PATH             the script
    GET  PATH?id=ID       the device's id: what its cookie says, else ID; sets or renews the cookie
    GET  PATH?set=ID      from now on the device is ID; without ID its cookie is taken away
    GET  PATH?daily=      an id for today, for pages that keep nothing on the visitor's machine
    POST PATH             events, as POST /v1/batch takes them

The cookie is set by the server and out of reach of scripts, so browsers that cut the life of what
scripts store (Safari: 7 days) leave it alone where the collector is on the site's own domain. To
another site's page no cookie could be set, and none is: 204, and the snippet keeps its own id.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from secrets import token_bytes
from typing import Final, NamedTuple
from urllib.parse import parse_qs

from collectors import snippet
from schemas.time_units import DAY_MS

COOKIE: Final = "ff_id"
COOKIE_SECONDS: Final = 400 * 86_400
"""The most that browsers allow."""
_SCRIPT_SECONDS: Final = 3_600
_ID: Final = re.compile(r"[\w-]{8,64}", re.ASCII)
_COOKIE_VALUE: Final = re.compile(rf"(?:^|;) *{COOKIE}=({_ID.pattern})(?:;|$)", re.ASCII)
_OWN: Final = (b"same-origin", b"same-site")

Headers = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """An HTTP answer without its CORS headers."""

    status: int
    body: bytes
    headers: Headers


class Served:
    """The snippet at `path`. `clock` gives ms; `salt` makes random bytes (at most 64), once a day."""

    def __init__(
        self, path: str, clock: Callable[[], int], salt: Callable[[], bytes] = token_bytes
    ) -> None:
        self.path = path
        self._clock, self._new_salt = clock, salt
        self._day, self._salt = -1, b""

    def answer(self, query: str, headers: Mapping[bytes, bytes], visitor: str) -> Answer:
        """Answer a GET. `headers` by lower-case name; `visitor` is whose address asks."""
        parameters = {name: values[0] for name, values in _parameters(query).items()}
        if "daily" in parameters:
            return _told(self._daily(headers, visitor), [])
        if "set" in parameters:
            return self._replaced(parameters["set"], headers)
        if "id" in parameters:
            return self._known(parameters["id"], headers)
        return _script(headers)

    def _known(self, offered: str, headers: Mapping[bytes, bytes]) -> Answer:
        match = _COOKIE_VALUE.search(headers.get(b"cookie", b"").decode("latin-1"))
        device = match[1] if match else offered
        if not _own(headers) or not _ID.fullmatch(device):
            return _NOTHING
        return _told(device, [self._cookie(device, COOKIE_SECONDS)])

    def _replaced(self, device: str, headers: Mapping[bytes, bytes]) -> Answer:
        if not _own(headers) or (device and not _ID.fullmatch(device)):
            return _NOTHING
        return _told(device, [self._cookie(device, COOKIE_SECONDS if device else 0)])

    def _cookie(self, device: str, seconds: int) -> tuple[bytes, bytes]:
        limits = f"Path={self.path}; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax"
        return b"set-cookie", f"{COOKIE}={device}; {limits}".encode()

    def _daily(self, headers: Mapping[bytes, bytes], visitor: str) -> str:
        """Who cannot be told apart from others tomorrow: the salt is never stored, and goes."""
        day = self._clock() // DAY_MS
        if day != self._day:
            self._day, self._salt = day, self._new_salt()
        parts = visitor.encode(), headers.get(b"user-agent", b""), headers.get(b"origin", b"")
        return blake2b(b"\n".join(parts), key=self._salt, digest_size=16).hexdigest()


_NOTHING: Final = Answer(204, b"", [(b"cache-control", b"no-store")])


def _told(device: str, headers: Headers) -> Answer:
    with_type = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    return Answer(200, device.encode(), [*with_type, *headers])


def _script(headers: Mapping[bytes, bytes]) -> Answer:
    gzipped = b"gzip" in headers.get(b"accept-encoding", b"")
    description = [
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"cache-control", b"public, max-age=%d" % _SCRIPT_SECONDS),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"x-content-type-options", b"nosniff"),
        (b"vary", b"accept-encoding"),
        *([(b"content-encoding", b"gzip")] if gzipped else ()),
    ]
    return Answer(200, snippet.gzipped() if gzipped else snippet.script(), description)


def _parameters(query: str) -> dict[str, list[str]]:
    try:
        return parse_qs(query, keep_blank_values=True, max_num_fields=8)
    except ValueError:
        return {}


def _own(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a page of the collector's own site asks. Browsers set it; pages cannot."""
    return headers.get(b"sec-fetch-site") in _OWN and headers.get(b"sec-fetch-dest") == b"empty"
