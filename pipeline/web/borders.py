"""Who is answered: in order the token, the name we are called by, and where a request comes from."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from pipeline.web.clickhouse import PREFIX
from pipeline.web.foreign import PROGRAM_HEADER, has_program_header, is_foreign, is_json
from pipeline.web.hosts import is_served_host
from pipeline.web.token import CHALLENGE, has_token

_OPEN: Final = ("/health", "/ready")
"""For probes, which come by any name and carry nothing; they tell nothing either."""
_DATA: Final = ("/api", PREFIX)
_QUERY: Final = "/api/query"
_PING: Final = f"{PREFIX}/ping"


class Access(NamedTuple):
    """`names`: Host headers answered besides loopback's. `token`: what everybody must show, or ''."""

    names: Sequence[str] = ()
    token: str = ""


def borders(access: Access) -> Middleware:
    """401, 421, 403 and 415 for what must not be answered."""

    @web.middleware
    async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in _OPEN:
            _check_request(request, access)
        return await handler(request)

    return check_access


def _check_request(request: web.Request, access: Access) -> None:
    if access.token and not has_token(request.headers, access.token):
        raise web.HTTPUnauthorized(
            text="Show the token: as a bearer, as Basic's password, or as X-ClickHouse-Key.\n",
            headers={"WWW-Authenticate": CHALLENGE},
        )
    if not access.token and not is_served_host(request.headers.get("Host", ""), access.names):
        raise web.HTTPMisdirectedRequest(
            text="On this machine the address is localhost; other names go into FOOTFALL_WORKER_NAMES.\n"
        )
    data = any(request.path == prefix or request.path.startswith(f"{prefix}/") for prefix in _DATA)
    if is_foreign(request.method, request.headers, page=not data):
        raise web.HTTPForbidden(text="Other sites may link to pages here, and nothing else.\n")
    if data and request.path != _PING and not has_program_header(request.method, request.headers):
        raise web.HTTPForbidden(
            text=f"A program says who it is with a header, {PROGRAM_HEADER}: 1.\n"
        )
    if request.path == _QUERY and request.method == "POST" and not is_json(request.headers):
        raise web.HTTPUnsupportedMediaType(
            text="The body is JSON: Content-Type: application/json.\n"
        )
