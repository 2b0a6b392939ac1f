"""uvicorn as a collector needs it: it cuts off who keeps it waiting, and bounds the head of a request."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any, Final

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from collectors import limits
from collectors.config import CollectorConfig
from collectors.errors import CannotListen

_LARGE_HEAD: Final = "The head of the request is too large."


class Server(uvicorn.Server):
    """Leaves signals to the process, and says when it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[int], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: Any = None) -> None:
        """Listen. Raises CannotListen."""
        try:
            await super().startup(sockets)
        except SystemExit as end:  # uvicorn's answer to an OSError, which it has logged
            raise CannotListen(
                f"The collector cannot listen on {self.config.host}:{self.config.port}: "
                f"{end.__context__}. Stop what uses it, or choose another: --port, --host."
            ) from end
        if self.started:
            self._on_listening(self.servers[0].sockets[0].getsockname()[1])


class _Protocol(HttpToolsProtocol):
    """Knows since when it waits for its other end, and how long the head of its request is.

    uvicorn would wait, and listen, without end.
    """

    arriving_since: float | None = None
    unread_since: float | None = None
    closing_since: float | None = None
    _head: int | None = 0
    """Bytes of the pieces that its request's head has come in; None once it is whole."""
    _piece = 0

    def waiting_since(self) -> float:
        """Since when it waits for a request, for its answer's reader or for its own end."""
        since = (self.arriving_since, self.unread_since, self.closing_since)
        return min((item for item in since if item is not None), default=inf)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.arriving_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        self._piece = len(data)
        super().data_received(data)
        if self.arriving_since is None and self.cycle.response_complete:
            self.arriving_since = self.loop.time()  # blank lines, which are no request yet
        if self._head is not None:
            self._head += len(data)
            if self._head > limits.MAX_HEAD and not self.transport.is_closing():
                self.send_400_response(_LARGE_HEAD)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.arriving_since, self._head = self.loop.time(), 0

    def on_headers_complete(self) -> None:
        self._head = None
        if self._piece > limits.MAX_HEAD and _size(self.headers) > limits.MAX_HEAD:
            raise httptools.HttpParserError(_LARGE_HEAD)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.arriving_since = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.unread_since = None

    def _unsupported_upgrade_warning(self) -> None:
        """What follows is in no protocol of ours, and the parser reads no further."""
        self.cycle.keep_alive = False


def _size(headers: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in headers)


async def cut_off_slow(server: uvicorn.Server) -> None:
    """End connections that keep us waiting for longer than ARRIVAL_SECONDS, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(limits.ARRIVAL_SECONDS / 10)
        now = loop.time()
        for connection in list(server.server_state.connections):
            assert isinstance(connection, _Protocol)
            if connection.transport.is_closing() and connection.closing_since is None:
                connection.closing_since = now
            if connection.waiting_since() < now - limits.ARRIVAL_SECONDS:
                connection.transport.abort()  # to close it would be to wait for its reader


def uvicorn_config(config: CollectorConfig, application: Any) -> uvicorn.Config:
    """How an ASGI application is served on `config`'s address."""
    return uvicorn.Config(
        application,
        host=config.host,
        port=config.port,
        http=_Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",  # of what strangers send there would be a line each
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=limits.STOP_SECONDS,
        backlog=1_024,
    )
