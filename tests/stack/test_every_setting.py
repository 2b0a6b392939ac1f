"""Every setting, on, through the whole stack: what it changes can be seen at the other end.

The log's time runs 120 times as fast, so that half an hour of lateness passes in fifteen seconds.
"""

import os
import re
import signal
import sqlite3
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import sleep, time
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

import msgspec
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from standardwebhooks.webhooks import Webhook

from footfall.processes.worker_client import WorkerClient, wait_until
from pipeline.errors import WarehouseUnavailable
from pipeline.settings import SETTINGS
from tests.stack.running import Up, free_port, running

SPEED = 120
DAY = 86_400_000
BEGIN = int(time() * 1000) - 4 * DAY
"""The log's time at first: so long ago that `retention_days` has something to do."""
TOKEN = "a-token-of-many-characters"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MAPPING = """
name = "billing"
kind = "purchases"
scheme = "secret"
[fields]
orderId = "invoice"
email = "mail"
[constants]
currency = "EUR"
total = "5"
"""
ELSEWHERE = {
    "replication": "copies need several brokers; tests/kafka/test_settings.py",
    "worker_names": "who shows a token needs no name: a test below has a stack without",
    "log": "every test of this file runs on it",
    "warehouse": "every test of this file runs on it",
}
"""Settings that the stack below cannot show, and where they are shown."""


class Receiver(HTTPServer):
    """Takes triggers as a customer's system would, and checks their signatures."""

    def __init__(self) -> None:
        self.verified: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Hook)


class _Hook(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.verified.append(Webhook(SECRET).verify(body.decode(), dict(self.headers)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Scene(NamedTuple):
    """The stack, what it was told, and who hears its triggers."""

    up: Up
    folder: Path
    settings: dict[str, str]
    receiver: Receiver
    started: float

    def now(self) -> int:
        """The log's time, ms."""
        start, began, speed = self.settings["clock"].split(",")
        return int(start) + int((time() * 1000 - int(began)) * float(speed))

    def page(self, device: str, path: str, at: int, name: str, **more: Any) -> int:
        """One page view, as a browser behind a proxy sends it."""
        context = {"page": {"path": path}}
        event = {
            "type": "page",
            "anonymousId": device,
            "messageId": name,
            "timestamp": at,
            "context": context,
            "properties": {"path": path, "fine": 1, **more},
        }
        return self.up.post("/v1/batch", {"batch": [event]}, basic("k3y") | FORWARDED)


FORWARDED = {
    "x-forwarded-for": "203.0.113.9",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0",
}


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{key}:".encode()).decode()}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("settings")
    mapping, countries = folder / "billing.toml", folder / "countries.mmdb"
    mapping.write_text(MAPPING)
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Countries")
    writer.insert_network(IPSet(["203.0.113.0/24"]), {"country": {"iso_code": "DE"}})
    writer.to_db_file(str(countries))
    receiver = Receiver()
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    settings = {
        "partitions": "3",
        "host": "127.0.0.2",
        "port": str(free_port()),
        "worker_host": "127.0.0.3",
        "worker_port": str(free_port()),
        "worker_token": TOKEN,
        "write_keys": "k3y:shop identify rate=5000",
        "server_keys": "s3cret:shop",
        "snippet_path": "/measure.js",
        "webhook_secrets": "billing:shop=hook-secret-0123456789",
        "webhook_mappings": str(mapping),
        "ip_addresses": "hashed",
        "ip_hash_key": "nobody-knows-this-one",
        "trusted_proxies": "127.0.0.0/8",
        "countries": str(countries),
        "deny_properties": "password",
        "funnel": "/cart > /checkout > Order Completed",
        "horizon": "5",
        "lateness": "1800",
        "lead_days": "20",
        "webhook_url": f"http://127.0.0.1:{receiver.server_port}/hook",
        "webhook_secret": SECRET,
        "retention_days": "1",
        "rejects_limit": "1000000",
        "disk_reserve": "500000000",
        "memory_limit": "100000000",
        "state_limit": "1000000",
        "tick_ms": "50",
        "clock": f"{BEGIN},{int(time() * 1000)},{SPEED}",
    }
    with running(folder, **settings) as up:
        yield Scene(up, folder, settings, receiver, time())
    receiver.shutdown()


def test_each_setting_is_on_here_or_shown_elsewhere(scene: Scene) -> None:
    named = scene.settings.keys() | ELSEWHERE.keys()
    assert {setting.name for setting in SETTINGS} - named == set()
    unchanged = [s.name for s in SETTINGS if scene.settings.get(s.name) == s.default]
    assert unchanged == [], "a default shows nothing"


def test_a_funnel_with_its_horizon_judges_views_and_no_tick_is_refused(scene: Scene) -> None:
    at = scene.now()
    for device, pages in (("goes-on", ("/cart", "/checkout")), ("gives-up", ("/cart",))):
        for number, path in enumerate(pages):
            sent = scene.page(device, path, at + 3000 * number, f"{device} {path}", password="x")
            assert sent == 200
    judged = (
        "SELECT countIf(forward), countIf(NOT forward) FROM outcomes FINAL WHERE page = '/cart'"
    )
    scene.up.comes_true(f"SELECT tuple(*) FROM ({judged})", [1, 1])
    waited = "SELECT max(toUnixTimestamp64Milli(decided_at) - toUnixTimestamp64Milli(time)) FROM outcomes"
    assert int(scene.up.value(waited)) < 200_000, "the default horizon alone is 300 s"
    scene.up.comes_true("SELECT toUInt32(count()) FROM sessions FINAL", 2)
    assert scene.up.rows("SELECT reason, detail FROM rejects") == []


def test_what_a_view_tells_is_read_as_the_settings_say(scene: Scene) -> None:
    (row,) = scene.up.rows(
        "SELECT ip, country, properties FROM events FINAL WHERE path = '/cart' AND device = 'goes-on'"
    )
    assert row["country"] == "DE", "trusted_proxies, countries"
    assert re.fullmatch(r"[0-9a-f]{16,}", row["ip"]), "ip_addresses, ip_hash_key"
    assert "fine" in row["properties"]
    assert "password" not in row["properties"], "deny_properties"


def test_partitions_address_snippet_and_ticks(scene: Scene) -> None:
    status = scene.up.status()
    assert {lane["partition"] for lane in status["lanes"]} == {0, 1, 2}
    with urlopen(f"http://127.0.0.2:{scene.settings['port']}/measure.js") as answer:
        assert answer.status == 200
    with pytest.raises(HTTPError):
        urlopen(f"http://127.0.0.2:{scene.settings['port']}/footfall.js")
    before = ticks(scene.folder)
    sleep(2)
    assert ticks(scene.folder) - before > 3 * 10, "a second has twenty of them; ten, if it is busy"


def test_pages_are_for_who_shows_the_token(scene: Scene) -> None:
    with pytest.raises(HTTPError, match="401"):
        WorkerClient(scene.up.worker.url, "another-token-of-characters").ask("/api/status")


def test_without_a_token_pages_are_for_who_calls_them_by_a_known_name(tmp_path: Path) -> None:
    with running(tmp_path, worker_names="stats.shop.example") as up:
        host, _, port = up.worker.url.removeprefix("http://").partition(":")
        for name, status in (("stats.shop.example", 200), ("elsewhere.example", 421)):
            connection = HTTPConnection(host, int(port))
            headers = {"host": f"{name}:{port}", "x-footfall": "1"}
            connection.request("GET", "/api/status", headers=headers)
            assert connection.getresponse().status == status, name
            connection.close()


def ticks(folder: Path) -> int:
    with sqlite3.connect(f"file:{folder / 'inbox.db'}?mode=ro", uri=True) as inbox:
        (count,) = inbox.execute("SELECT sum(next_offset) FROM partitions").fetchone()
    inbox.close()
    return int(count)


def test_a_mapped_webhook_and_keys_let_in_what_they_may(scene: Scene) -> None:
    order = {"invoice": "R-1", "mail": "ada@example.org"}
    hook = "/webhooks/billing/shop"
    assert scene.up.post(hook, order, {"x-webhook-secret": "wrong"}) == 401
    assert scene.up.post(hook, order, {"x-webhook-secret": "hook-secret-0123456789"}) == 200
    assert scene.up.post("/v1/track", {"anonymousId": "a", "event": "E"}, basic("other")) == 401
    scene.up.comes_true("SELECT groupArray(order_id) FROM purchases FINAL", ["R-1"])


def test_repurchases_are_due_ahead_by_the_lead(scene: Scene) -> None:
    last = scene.now() - 34 * DAY
    orders = [
        {
            "orderId": f"{who}-{n}",
            "messageId": f"{who}-{n}",
            "time": last - n * 40 * DAY,
            "currency": "EUR",
            "customer": {"userId": f"u{who}"},
            "items": [{"productId": "tea", "quantity": 1, "price": "5"}],
        }
        for who in range(10)
        for n in range(6)
    ]
    assert scene.up.post("/v1/purchases", orders, basic("s3cret")) == 200
    states = "SELECT arraySort(groupUniqArray(state)) FROM cycles FINAL"
    scene.up.comes_true(states, ["due"])  # three days ahead, the default, they would be waiting


def test_a_trigger_reaches_the_webhook_signed(scene: Scene) -> None:
    ticket = {
        "ticketId": "t-1",
        "messageId": "t-1",
        "action": "rated",
        "rating": 1,
        "time": scene.now(),
        "customer": {"userId": "u1"},
    }
    assert scene.up.post("/v1/tickets", ticket, basic("s3cret")) == 200

    def heard() -> bool:
        return any(event["type"] == "footfall.care.unhappy" for event in scene.receiver.verified)

    assert wait_until(heard, 30)


def test_a_repeat_later_than_the_lateness_is_merged_and_not_known(scene: Scene) -> None:
    at = scene.now()
    assert scene.page("late", "/cart", at, "late view") == 200
    assert wait_until(lambda: scene.now() > at + 3_900_000, 60), "its session, then half an hour"
    sleep(1)
    assert scene.page("late", "/cart", at, "late view") == 200
    stored = "SELECT toUInt32(countIf(message_id = 'late view')) FROM events"
    scene.up.comes_true(f"{stored} FINAL", 1)
    books = "SELECT toUInt32(sum(deduplicated)) FROM books FINAL"
    assert scene.up.value(books) == 0, "within the default of a day it is a repeat"


def test_a_heavy_query_meets_the_memory_limit(scene: Scene) -> None:
    heavy = "SELECT uniqExact(number) FROM numbers(50000000)"
    with pytest.raises(WarehouseUnavailable, match=r"503|400"):
        scene.up.rows(heavy)
    assert scene.up.value("SELECT toUInt8(1)") == 1


def test_the_log_forgets_what_is_older_than_its_retention(scene: Scene) -> None:
    """By the wall's clock: what was appended four days ago by the log's goes within a minute or so."""

    def oldest() -> int:
        with sqlite3.connect(f"file:{scene.folder / 'inbox.db'}?mode=ro", uri=True) as inbox:
            (first,) = inbox.execute("SELECT min(id & ((1 << 40) - 1)) FROM records").fetchone()
        inbox.close()
        return int(first or 0)

    assert wait_until(lambda: oldest() > 0, 90)


def test_rejects_beyond_the_limit_go_when_the_worker_looks(scene: Scene) -> None:
    """It looks at its start: a killed worker is started again."""
    for number in range(40):
        junk = b'{"junk": "%s %d"' % (b"x" * 50_000, number)
        assert scene.up.post("/v1/track", junk, basic("s3cret")) == 400
    held = "SELECT toUInt64(sum(length(body))) FROM rejects"
    assert wait_until(lambda: int(scene.up.value(held)) > 1_900_000, 30)
    (worker,) = (pid for pid in children(scene.up.pid) if "worker" in command_of(pid))
    os.kill(worker, signal.SIGKILL)
    assert wait_until(lambda: not scene.up.worker.is_ready(), 10)
    assert wait_until(scene.up.worker.is_ready, 60)
    assert wait_until(lambda: int(scene.up.value(held)) <= 1_000_000, 30)


def children(pid: int) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True)
    return list(map(int, listed.stdout.split()))


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def test_more_devices_than_the_state_limit_holds_are_told(scene: Scene) -> None:
    """Their sessions are forgotten half an hour after they ended, and an alarm says so."""
    at = scene.now()
    for batch in range(12):
        views = [
            {
                "type": "page",
                "anonymousId": f"{batch}-{n}",
                "messageId": f"many {batch}-{n}",
                "timestamp": at,
                "context": {"page": {"path": "/"}},
            }
            for n in range(1_000)
        ]
        assert scene.up.post("/v1/batch", {"batch": views}, basic("k3y") | FORWARDED) == 200

    def told() -> bool:
        return "memory" in {alarm["part"] for alarm in scene.up.status()["alarms"]}

    assert wait_until(told, 60, pause=1)


def test_doctor_finds_nothing_lost_after_all_that(scene: Scene) -> None:
    done = scene.up.run("doctor", "--json")
    findings = {f["part"]: f for f in msgspec.json.decode(done.stdout)}
    assert findings["books"]["ok"], findings
    assert "rejects" not in findings or findings["rejects"]["ok"], findings
