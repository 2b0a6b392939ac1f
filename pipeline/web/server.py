"""What the worker answers over HTTP: pages, JSON, metrics, and a face for Grafana.

What visitors sent is hostile for ever. It leaves here only as JSON or as a ClickHouse format, never
as HTML: the pages are files, and their script puts text into the document as text.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from pipeline.errors import WarehouseRefused, WarehouseUnavailable
from pipeline.warehouse.contract import Warehouse
from pipeline.web.borders import Access, borders
from pipeline.web.clickhouse import ClickHouseInterface
from pipeline.web.named_queries import named_query, names
from pipeline.web.reader import Reader

Status = Callable[[], Awaitable[dict[str, Any]]]
"""The worker's own account of itself. It may be costly: books are counted for it."""
Ready = Callable[[], bool]
"""Whether the worker is ready; asked by probes every few seconds, so it must be cheap."""

MAX_BODY: Final = 256 * 1024
_STATIC: Final = Path(__file__).parent / "static"
_MISSING: Final = (_STATIC / "missing.html").read_bytes()
_ERROR_LENGTH: Final = 600
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # addresses of journeys hold identifiers
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class QueryBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /api/query. `params` are bound to `{name:Type}` in `sql`."""

    sql: str
    params: dict[str, str | bool | int | float | list[Any]] = {}


def make_web(
    warehouse: Warehouse,
    registry: CollectorRegistry,
    status: Status,
    ready: Ready,
    access: Access = Access(),  # noqa: B008 - a tuple
) -> web.Application:
    """The application. Closing it leaves the warehouse open."""
    reader = Reader(warehouse)
    site = _Site(reader, registry, status, ready)
    app = web.Application(
        middlewares=[_security_headers, _not_found_page, borders(access), _failures],
        client_max_size=MAX_BODY,
    )
    app.add_routes(
        [
            web.get("/health", _health),
            web.get("/ready", site.ready),
            web.get("/metrics", site.metrics),
            web.get("/api/status", site.status),
            web.post("/api/query", site.query),
            web.get("/api/named", site.list_named),
            web.get("/api/named/{name}", site.run_named),
            web.get("/", _page("overview.html")),
            web.get("/customers/{who:.*}", _page("customer.html")),
            *ClickHouseInterface(reader).routes(),
            web.static("/static", _STATIC),
        ]
    )

    async def close(app: web.Application) -> None:
        reader.close()

    app.on_cleanup.append(close)
    return app


class _Site:
    def __init__(
        self, reader: Reader, registry: CollectorRegistry, status: Status, ready: Ready
    ) -> None:
        self._reader, self._registry = reader, registry
        self._status, self._ready = status, ready

    async def ready(self, request: web.Request) -> web.Response:
        ready = self._ready()
        return _json({"ready": ready}, 200 if ready else 503)

    async def status(self, request: web.Request) -> web.Response:
        return _json(await self._status())

    async def metrics(self, request: web.Request) -> web.Response:
        text = generate_latest(self._registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def query(self, request: web.Request) -> web.Response:
        try:
            body = msgspec.json.decode(await request.read(), type=QueryBody)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise WarehouseRefused(f'the body is {{"sql": …, "params": {{…}}}}: {error}') from None
        return _json(await self._reader.answer(body.sql, body.params))

    async def list_named(self, request: web.Request) -> web.Response:
        return _json({name: named_query(name).params for name in names()})

    async def run_named(self, request: web.Request) -> web.Response:
        try:
            query = named_query(request.match_info["name"])
        except KeyError:
            return _json({"error": "there is no such query; /api/named lists them"}, 404)
        params = query.bind(dict(request.query))
        return _json(await self._reader.answer(query.text, params))


@web.middleware
async def _security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Security headers on everything, errors of aiohttp's own included."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(_HEADERS)
        raise
    response.headers.update(_HEADERS)
    return response


@web.middleware
async def _not_found_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whoever typed a wrong address gets a page that leads home."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        return web.Response(body=_MISSING, status=404, content_type="text/html", charset="utf-8")


@web.middleware
async def _failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The warehouse's errors as HTTP: the caller's fault is 400, a bad moment 503."""
    try:
        return await handler(request)
    except WarehouseRefused as error:
        return _json({"error": str(error)[:_ERROR_LENGTH]}, 400)
    except WarehouseUnavailable as error:
        response = _json({"error": str(error)[:_ERROR_LENGTH]}, 503)
        response.headers["Retry-After"] = "1"
        return response


async def _health(request: web.Request) -> web.Response:
    return _json({"ok": True})


def _page(name: str) -> Handler:
    body = (_STATIC / name).read_bytes()

    async def page(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="text/html", charset="utf-8")

    return page


def _json(value: Any, status: int = 200) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, content_type="application/json")
