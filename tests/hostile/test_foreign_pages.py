"""Pages of other hosts, in a real Chromium, try to have the worker run queries: nothing runs."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from pipeline.web.server import make_web
from tests.browser.chromium import Tab, browser, chromium, visitor
from tests.pipeline.web.fakes import FakeWarehouse

pytestmark = browser

ATTACK = """
(async () => {
  const sql = JSON.stringify({sql: "SELECT 1"});
  const ask = (path, more) => fetch(AT + path, more).then((r) => r.text()).catch(() => "");
  const waits = [];
  for (const mode of ["cors", "no-cors"]) for (const credentials of ["omit", "include"]) {
    for (const path of ["/clickhouse?query=SELECT+1", "/api/named/sites", "/api/status"])
      waits.push(ask(path, {mode, credentials}));
    for (const path of ["/api/query", "/clickhouse"]) {
      for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json"])
        waits.push(ask(path, {mode, credentials, method: "POST", body: sql,
          headers: {"Content-Type": type}}));
      waits.push(ask(path, {mode, credentials, method: "POST", body: new Blob([sql])}));
      waits.push(ask(path, {mode, credentials, method: "POST", body: sql, headers: {"X-Footfall": "1"}}));
    }
  }
  navigator.sendBeacon(AT + "/api/query", sql);
  for (const path of ["/clickhouse?query=SELECT+1", "/api/named/sites"]) {
    const image = new Image(); image.src = AT + path; document.body.append(image);
    for (const kind of ["script", "iframe", "embed"]) {
      const element = document.createElement(kind); element.src = AT + path; document.body.append(element);
    }
    const style = document.createElement("link"); style.rel = "stylesheet"; style.href = AT + path;
    document.head.append(style);
    const form = document.createElement("form"); form.action = AT + path; form.target = "sink";
    const frame = document.createElement("iframe"); frame.name = "sink"; document.body.append(frame);
    const field = document.createElement("input"); field.name = "query"; field.value = "SELECT 1";
    form.append(field); document.body.append(form);
    for (const method of ["get", "post"]) for (const type of ["text/plain", "multipart/form-data"]) {
      form.method = method; form.enctype = type; form.submit();
      await new Promise((done) => setTimeout(done, 50));
    }
    form.remove();
  }
  const said = await Promise.all(waits);
  await new Promise((done) => setTimeout(done, 500));
  return said.filter((text) => text.includes("meta") || text.includes("rows")).length;
})()
"""


def lan_address() -> str:
    """This machine's address in its network; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.2"
        address: str = probe.getsockname()[0]
        return address


@asynccontextmanager
async def listening(app: web.Application, host: str) -> AsyncIterator[int]:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def foreign() -> web.Application:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>x</title><body>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", page)])
    return app


async def opened(tab: Tab, url: str) -> None:
    await tab.call("Page.navigate", url=url)
    await tab.until(f"location.href.startsWith({url!r}) && document.readyState === 'complete'")


async def attacked(profile: Path) -> tuple[list[Any], int, dict[str, int]]:
    """What the warehouse was asked by foreign pages and by our own, and what was read, by way."""
    warehouse, read = FakeWarehouse(b'{"meta":[],"data":[],"rows":0}'), dict[str, int]()

    async def status() -> dict[str, Any]:
        warehouse.asked.append(("status", "", {}))
        return {"rows": 0}

    app = make_web(warehouse, CollectorRegistry(), status, lambda: True)
    with chromium(profile) as address:
        async with (
            visitor(address) as person,
            listening(app, "0.0.0.0") as port,
            listening(foreign(), "0.0.0.0") as other,
        ):
            tab = await person.tab()
            names = ("localhost", "0.0.0.0", lan_address())
            for page in ("data:text/html,<body>", *(f"http://{name}:{other}" for name in names)):
                for host in names:
                    await opened(tab, page)
                    script = ATTACK.replace("AT +", f"{json.dumps(f'http://{host}:{port}')} +")
                    read[f"{page} -> {host}"] = await tab.run(script)
            asked = list(warehouse.asked)
            await opened(tab, f"http://localhost:{port}/")
            await tab.until("document.title === 'Footfall'")
            await asyncio.sleep(1)
            return asked, len(warehouse.asked) - len(asked), read


def test_no_foreign_page_has_anything_run_and_our_own_page_works(tmp_path: Path) -> None:
    asked, ours, read = asyncio.run(attacked(tmp_path / "profile"))
    print(f"{len(read)} pairs of page and address; our own page asked {ours} times")
    assert asked == []
    assert set(read.values()) == {0}
    assert ours > 0
