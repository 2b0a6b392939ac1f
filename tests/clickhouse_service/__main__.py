"""`python -m tests.clickhouse_service --path DIR [--port N] [--http-port N]`."""

import argparse
import re
import signal
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from chdb import session

from tests.clickhouse_service.wire import Peer, Ping, Query, from_native, to_native

_INSERT: Final = re.compile(r"(INSERT INTO (\S+) \((.*)\)) VALUES\s*", re.DOTALL)
_READS: Final = re.compile(r"(?:\s|--[^\n]*\n)*(SELECT|WITH)\b", re.IGNORECASE)
_CODE: Final = re.compile(r"Code: (\d+)")

_SETTINGS: Final = ("max_execution_time", "max_result_rows", "result_overflow_mode", "readonly")
"""Of the HTTP interface; `readonly` is last, as it forbids to set others."""

away = threading.Event()
"""While set, connections are dropped: SIGUSR1 sets it, SIGUSR2 clears it."""


class NativeServer(socketserver.ThreadingTCPServer):
    """A session of chDB for each connection."""

    allow_reuse_address = daemon_threads = True
    path: str


class NativeHandler(socketserver.BaseRequestHandler):
    """Answers one client until it goes."""

    server: NativeServer

    def handle(self) -> None:
        if away.is_set():
            return
        chdb: Any = session
        with chdb.Session(self.server.path) as engine:
            peer = Peer(self.request)
            try:
                peer.greet()
                while self._answer(peer, engine):
                    pass
            except (EOFError, OSError):
                return

    def _answer(self, peer: Peer, engine: Any) -> bool:
        request = peer.receive()
        if away.is_set():
            return False
        if isinstance(request, Ping):
            peer.send_pong()
            return True
        try:
            self._run(peer, engine, request)
        except RuntimeError as error:
            peer.send_exception(code_of(error), str(error))
        else:
            peer.send_end()
        return True

    def _run(self, peer: Peer, engine: Any, query: Query) -> None:
        for name, value in query.settings.items():
            engine.query(f"SET {name} = '{value}'")
        insert = _INSERT.fullmatch(query.text)
        if insert:
            _insert(peer, engine, *insert.groups())
            return
        answer = engine.query(query.text, "Native", params=query.params).bytes()
        blocks = list(from_native(answer))
        if blocks:
            peer.send_header(blocks[0].columns_with_types)
        elif _READS.match(query.text):
            peer.send_header(_columns(engine, query.text, query.params))
        for block in blocks:
            peer.send_block(block)


def _insert(peer: Peer, engine: Any, statement: str, table: str, columns: str) -> None:
    peer.send_header(_columns(engine, f"SELECT {columns} FROM {table}", {}))
    body = b""
    for block in peer.blocks():
        body += to_native(block)
        peer.send_profile()
    inserter = engine.send_insert(statement, "Native")
    inserter.append(body)
    inserter.finish()
    peer.send_profile()


def _columns(engine: Any, text: str, params: dict[str, str]) -> list[tuple[str, str]]:
    answer = engine.query(f"DESCRIBE (\n{text}\n)", "Native", params=params).bytes()
    rows = [row for block in from_native(answer) for row in block.get_rows()]
    return [(row[0].decode(), row[1].decode()) for row in rows]


class HttpHandler(BaseHTTPRequestHandler):
    """`POST /?default_format=…&max_result_rows=…&param_x=…` with the statement as its body."""

    def do_POST(self) -> None:
        options = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        params = {k[6:]: v for k, v in options.items() if k.startswith("param_")}
        chdb: Any = session
        with chdb.Session(self.path_of_data) as engine:
            try:
                for name in _SETTINGS:
                    engine.query(f"SET {name} = '{options[name]}'")
                answer = engine.query(text, options["default_format"], params=params).bytes()
                self._reply(200, answer)
            except RuntimeError as error:
                self._reply(500, str(error).encode(), code_of(error))

    path_of_data: str

    def _reply(self, status: int, body: bytes, code: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if code:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not worth a line."""


def code_of(error: RuntimeError) -> int:
    """ClickHouse's code in an error of chDB's."""
    found = _CODE.search(str(error))
    return int(found[1]) if found else 1002


def leave(number: int, frame: FrameType | None) -> None:
    """Drop what connects from now on, and connections that are there at their next request."""
    away.set()
    print("away", flush=True)


def come_back(number: int, frame: FrameType | None) -> None:
    """Serve again."""
    away.clear()
    print("back", flush=True)


def main() -> None:
    """Serve until killed; the first line on stdout tells both ports."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--http-port", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGUSR1, leave)
    signal.signal(signal.SIGUSR2, come_back)
    chdb: Any = session
    keep_open = chdb.Session(options.path)  # so that the engine outlives any one connection
    native = NativeServer(("127.0.0.1", options.port), NativeHandler)
    native.path = HttpHandler.path_of_data = options.path
    web = ThreadingHTTPServer(("127.0.0.1", options.http_port), HttpHandler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    print(native.server_address[1], web.server_address[1], flush=True)
    native.serve_forever()
    keep_open.close()


if __name__ == "__main__":
    main()
