"""A face like ClickHouse's own HTTP interface, so that Grafana's plugin can read any warehouse.

clickhouse-go (the plugin's driver) says hello with one query and asks for Native blocks as its own
protocol revision frames them; the answer's `revision()` decides how every later block is framed.
The hello is framed by hand and says revision 0, at which blocks have no frame: what the engine
writes outside its TCP protocol can then be passed through as it is.
"""

import re
import struct
from typing import Final

from aiohttp import web

from pipeline.errors import FootfallError, WarehouseRefused
from pipeline.web.reader import Reader

PREFIX: Final = "/clickhouse"

_HELLO: Final = "SELECT displayName(), version(), revision(), timezone()"
_BLOCK_INFO: Final = b"\x01\x00\x02" + struct.pack("<i", -1) + b"\x00"
"""Field 1: no overflow; field 2: bucket −1; end. Before every block since revision 51903."""
_PLAIN: Final = b"\x00"
"""A column's serialization is not sparse: after its type since revision 54454."""
_FRAMED_SINCE: Final = 54454
_ERROR_CODE: Final = re.compile(r"Code: (\d+)")
_READONLY: Final = 164
_NOT_NOW: Final = 202  # TOO_MANY_SIMULTANEOUS_QUERIES: clients may try again
_ERROR_LENGTH: Final = 600


class ClickHouseInterface:
    """Routes under PREFIX. Statements only read; credentials and settings are taken and ignored."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def routes(self) -> list[web.RouteDef]:
        """GET and POST, with and without a slash, and ClickHouse's own `ping`."""
        paths = (PREFIX, PREFIX + "/")
        return [
            *(web.get(path, self.handle) for path in paths),
            *(web.post(path, self.handle) for path in paths),
            web.get(PREFIX + "/ping", _ping),
        ]

    async def handle(self, request: web.Request) -> web.Response:
        """One statement, in `query`, in the body, or begun in one and ended in the other."""
        body = await request.read()
        statement = request.query.get("query", "") + body.decode("utf-8", "replace")
        if not statement.strip():
            return web.Response(text="Ok.\n")
        fmt = request.headers.get("X-ClickHouse-Format") or request.query.get(
            "default_format", "TabSeparated"
        )
        params = {
            name.removeprefix("param_"): value
            for name, value in request.query.items()
            if name.startswith("param_")
        }
        try:
            answer = await self._answer(statement, fmt, params, _revision(request))
        except FootfallError as error:
            return _error_response(error)
        return _response(request, answer, fmt)

    async def _answer(
        self, statement: str, fmt: str, params: dict[str, str], revision: int
    ) -> bytes:
        if statement.strip() == _HELLO and fmt == "Native" and revision >= _FRAMED_SINCE:
            version = await self._reader.raw("SELECT version()", "TSVRaw")
            return hello(version.decode().strip())
        return await self._reader.raw(statement, fmt, params)


def hello(version: str) -> bytes:
    """The answer to clickhouse-go's first query: one row in one framed Native block."""
    columns = (
        ("displayName()", "String", _text("footfall")),
        ("version()", "String", _text(version)),
        ("revision()", "UInt32", struct.pack("<I", 0)),
        ("timezone()", "String", _text("UTC")),
    )
    sizes = bytes((len(columns), 1))
    parts = (_text(name) + _text(kind) + _PLAIN + value for name, kind, value in columns)
    return _BLOCK_INFO + sizes + b"".join(parts)


def _text(value: str) -> bytes:
    data = value.encode()
    assert len(data) < 128  # one byte of a varint
    return bytes((len(data),)) + data


def _revision(request: web.Request) -> int:
    text = request.query.get("client_protocol_version", "")
    return int(text) if text.isdecimal() else 0


def _response(request: web.Request, answer: bytes, fmt: str) -> web.Response:
    headers = {
        "X-ClickHouse-Server-Display-Name": "footfall",
        "X-ClickHouse-Timezone": "UTC",
        "X-ClickHouse-Format": _token(fmt),
    }
    response = web.Response(body=answer, headers=headers, content_type="application/octet-stream")
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(web.ContentCoding.gzip)
    return response


def _error_response(error: FootfallError) -> web.Response:
    """As ClickHouse says it: the code in a header, `Code: N. …` in the body."""
    text = str(error)[:_ERROR_LENGTH]
    match = _ERROR_CODE.search(text)
    refused = isinstance(error, WarehouseRefused)
    code = int(match[1]) if match else _READONLY if refused else _NOT_NOW
    if not match:
        text = f"Code: {code}. DB::Exception: {text}"
    headers = {"X-ClickHouse-Exception-Code": str(code)}
    return web.Response(status=400 if refused else 503, text=text + "\n", headers=headers)


def _token(fmt: str) -> str:
    """A header must not carry what a caller put between line ends."""
    return "".join(character for character in fmt if character.isalnum())


async def _ping(request: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")
