"""A bare echo server, `python -m footfall.bench.echo PORT`: what a collector costs without Footfall.

It is served as the collector is, reads a request's whole body, and answers what a collector answers.
"""

import asyncio
import signal
import sys
from typing import Any

import uvloop

from collectors.asgi import Receive, Scope, Send
from collectors.config import CollectorConfig
from collectors.dialects.contract import SUCCESS
from collectors.http_server import Server, uvicorn_config

_HEADERS = [
    (b"content-type", SUCCESS.content_type.encode()),
    (b"content-length", str(len(SUCCESS.body)).encode()),
]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application. Also says that it is ready, whatever it is asked."""
    parts = bytearray()
    extra = True
    while extra:
        message: Any = await receive()
        parts += message.get("body", b"")
        extra = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": SUCCESS.body})


async def _serve(port: int) -> None:
    config = CollectorConfig(log="null://", port=port)
    server = Server(uvicorn_config(config, echo), lambda _: None)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, setattr, server, "should_exit", True)
    await server.serve()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
