"""A small site with the snippet in its pages, and the real collector it sends to, on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import msgspec
from aiohttp import web

from collectors import snippet
from collectors.config import CollectorConfig
from collectors.server import run
from schemas.events import Event
from schemas.keys import browser_keys
from schemas.topics import EVENTS
from tests.collectors.producers.test_embedded import partitions, records

BODY = """
<button id="live" onclick="this.textContent += '!'">More</button> <button id="stuck">Pay</button>
<form id="card" onsubmit="event.preventDefault(); this.dataset.sent = Math.random()">
<input id="number"><input type="submit" id="send"></form>
"""


class Shop:
    """`tag_attributes`, `above` and `headers` change the pages; `counted` reads the inbox."""

    def __init__(self, directory: Path, snippet_path: str = snippet.PATH) -> None:
        self.tag_attributes, self.above, self.host = "", "", "collect.shop.localhost"
        self.headers: dict[str, str] = {}
        self._directory = directory
        self._config = CollectorConfig(
            log=f"embedded://{directory}",
            port=0,
            keys=browser_keys("k3y:shop identify purchase"),
            snippet_path=snippet_path,
        )
        self._stop = asyncio.Event()
        self._collector: asyncio.Task[None] | None = None
        self.port = 0

    async def collector_up(self) -> None:
        """Start the collector, on the same port as before."""
        self._stop = asyncio.Event()
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._collector = asyncio.create_task(run(self._config, self._stop, listening.set_result))
        self._config = replace(self._config, port=await asyncio.wait_for(listening, 10))

    async def collector_down(self) -> None:
        """Stop the collector."""
        self._stop.set()
        if self._collector is not None:
            await asyncio.wait_for(self._collector, 20)

    async def allow(self, keys: str) -> None:
        """From now on the collector knows these keys; see `schemas.keys`."""
        await self.collector_down()
        self._config = replace(self._config, keys=browser_keys(keys))
        await self.collector_up()

    def at(self, path: str, site: str = "shop.localhost") -> str:
        """A page's address."""
        return f"http://{site}:{self.port}{path}"

    async def page(self, request: web.Request) -> web.Response:
        """Any path is a page."""
        address = f"http://{self.host}:{self._config.port}{self._config.snippet_path}"
        tag = snippet.tag(address, "k3y").replace("<script", f"<script {self.tag_attributes}")
        head = f"<!doctype html><title>{request.path}</title>{self.above}{tag}"
        html = head + BODY if request.path != "/favicon.ico" else ""
        return web.Response(text=html, content_type="text/html", headers=self.headers)

    def raw(self) -> bytes:
        """Everything in the inbox."""
        return b"\n".join(row[4] for row in records(self._directory))

    def received(self) -> list[Event]:
        """Every event in the inbox, ticks left out, in its visitor's order of time."""
        ours = {number for number, topic, *_ in partitions(self._directory) if topic == EVENTS.name}
        rows = (row[4] for row in records(self._directory) if row[0] in ours)
        lines = (line for value in rows for line in value.splitlines())
        events = [msgspec.json.decode(line, type=Event) for line in lines]
        return sorted((one for one in events if one.type != "tick"), key=lambda one: one.time)

    def counted(self) -> list[Event]:
        """The same with re-sends left out, as the pipeline counts them."""
        return list({one.message_id: one for one in self.received()}.values())

    def paths(self) -> list[str]:
        """Pages seen."""
        return [one.path for one in self.counted() if one.type == "page"]

    def tracked(self) -> list[str]:
        """Names of what was tracked, engagement left out."""
        events = (one.event for one in self.counted() if one.type == "track")
        return [event for event in events if event != "Page Engaged"]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the inbox."""
        deadline = monotonic() + 15
        while not condition():
            assert monotonic() < deadline, [(e.type, e.event, e.path) for e in self.counted()]
            await asyncio.sleep(0.03)


@asynccontextmanager
async def open_shop(directory: Path, snippet_path: str = snippet.PATH) -> AsyncIterator[Shop]:
    """The site and its collector, up."""
    shop = Shop(directory, snippet_path)
    site = web.Application()
    site.router.add_get("/{path:.*}", shop.page)
    runner = web.AppRunner(site)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    shop.port = runner.addresses[0][1]
    await shop.collector_up()
    try:
        yield shop
    finally:
        await shop.collector_down()
        await runner.cleanup()
