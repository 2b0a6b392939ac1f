"""The built-in pages in a real browser, on the small shop: they show it, and show it as text."""

import asyncio
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from prometheus_client import CollectorRegistry

from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.web.server import make_web
from tests.dashboards import shop

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--virtual-time-budget=8000", "--dump-dom",
)  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The application in a thread of its own."""
    warehouse = EmbeddedWarehouse(tmp_path_factory.mktemp("pages"))
    shop.fill(warehouse)
    loop, port = asyncio.new_event_loop(), unused_port()

    async def status() -> dict[str, Any]:
        return {"ready": True}

    runner = web.AppRunner(make_web(warehouse, CollectorRegistry(), status, lambda: True))
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", port).start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(runner.cleanup())
    loop.close()
    warehouse.close()


def dom(address: str, profile: Path) -> str:
    """The document after its scripts ran."""
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_the_overview_shows_numbers_the_broken_page_and_names_as_text(
    address: str, tmp_path: Path
) -> None:
    page = dom(f"{address}/?range=30", tmp_path)
    assert '<p id="notice" class="notice" hidden=""></p>' in page
    assert "<b>150</b><span>visitors</span>" in page
    assert "people who reached /checkout on mobile since" in page
    assert '<span class="bad">broken</span>' in page
    assert page.count("<polyline") == 4
    assert "Assam &lt;b&gt;&amp; Co&lt;/b&gt;" in page
    assert "Assam <b>" not in page
    assert page.count(">balanced<") == 2


def test_a_customers_page_tells_their_way(address: str, tmp_path: Path) -> None:
    page = dom(f"{address}/customers/4@mail.example?site={shop.SITE}", tmp_path)
    assert '<h1 id="name">user_id:u4</h1>' in page
    assert "<code>email:4@mail.example</code>" in page
    assert '<li class="step purchase">' in page


def test_a_stranger_is_said_to_be_unknown(address: str, tmp_path: Path) -> None:
    page = dom(f"{address}/customers/%3Cimg%20src=x%3E", tmp_path)
    assert "Nobody on shop is known by this." in page
    assert "<img" not in page
