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
from schemas.rejects import Reason
from tests.dashboards import shop

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
BOOKS = {
    "received": 1_042,
    "stored": 1_000,
    "repeats": 20,
    "merged": 14,
    "rejected": 8,
    "in_flight": 0,
    "difference": 0,
}
ALARMS = [{"part": "disk", "text": "Nearly <b>full</b>.", "advice": "Make room."}]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=8000",
    "--dump-dom",
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The application in a thread of its own."""
    warehouse = EmbeddedWarehouse(tmp_path_factory.mktemp("pages"))
    shop.fill(warehouse)
    _more_rejects(warehouse)
    _newcomer(warehouse)
    loop, port = asyncio.new_event_loop(), unused_port()

    async def status() -> dict[str, Any]:
        return {"ready": True, "books": BOOKS, "alarms": ALARMS}

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


def _more_rejects(warehouse: EmbeddedWarehouse) -> None:
    reasons = [reason for reason in Reason if reason is not Reason.BAD_JSON][:7]
    data: list[list[Any]] = [
        [f"id-{reason}" for reason in reasons],
        [reason.value for reason in reasons],
        [shop.END - shop.HOUR] * len(reasons),
    ]
    warehouse.insert("rejects", ("id", "reason", "received_at"), data)


def _newcomer(warehouse: EmbeddedWarehouse) -> None:
    view = {
        "site": "fresh",
        "type": "page",
        "time": shop.END,
        "received_at": shop.END,
        "message_id": "m",
        "device": "d",
        "path": "/",
        "page": "/",
    }
    warehouse.insert("events", tuple(view), [[value] for value in view.values()])
    told = {"site": "fresh", "time": shop.END, "declared": 1, "stored": 1}
    warehouse.insert("books", tuple(told), [[value] for value in told.values()])


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
    assert page.count(">balanced<") == 1
    assert '<td class="short">merged</td><td class="num">14</td>' in page


def test_what_is_wrong_with_the_worker_stands_on_top(address: str, tmp_path: Path) -> None:
    page = dom(f"{address}/?range=30", tmp_path)
    assert '<b>disk</b> Nearly &lt;b&gt;full&lt;/b&gt;. <span class="muted">Make room.' in page


def test_reasons_that_are_not_shown_are_counted(address: str, tmp_path: Path) -> None:
    page = dom(f"{address}/?range=30", tmp_path)
    assert "<p>and 2 other reasons: <code>footfall rejects list</code></p>" in page


def test_a_site_at_which_nothing_happened_says_why(address: str, tmp_path: Path) -> None:
    page = dom(f"{address}/?range=1&site=fresh", tmp_path)
    assert "<b>1</b><span>visitors</span>" in page
    assert "<b>0</b><span>finished sessions</span>" in page
    assert ">max 0</text>" in page
    assert "No page view is decided yet: that happens 5 minutes after it" in page


def test_a_customers_page_tells_their_way(address: str, tmp_path: Path) -> None:
    page = dom(f"{address}/customers/4@mail.example?site={shop.SITE}", tmp_path)
    assert '<h1 id="name">u4</h1>' in page
    assert "<title>u4 · Footfall</title>" in page
    assert '<section class="known"><h2>Devices</h2>' in page
    assert "<code>email:4@mail.example</code>" in page
    assert '<li class="step purchase">' in page


def test_a_stranger_is_said_to_be_unknown(address: str, tmp_path: Path) -> None:
    page = dom(f"{address}/customers/%3Cimg%20src=x%3E", tmp_path)
    assert "Nobody on shop is known as “&lt;img src=x&gt;”." in page
    assert "<img" not in page
    assert '<section class="known" hidden=""><h2>Devices</h2>' in page


def test_whoever_several_people_may_be_is_asked_for(address: str, tmp_path: Path) -> None:
    page = dom(f"{address}/customers/device-4?site={shop.SITE}", tmp_path)
    assert "Several people fit" in page
    assert ">user_id:u34</a>" in page and ">user_id:u4</a>" in page
