"""A stack with a secret in every setting that can hold one: none is shown, logged or stored anywhere."""

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from footfall.processes.worker_client import WorkerClient, wait_until
from pipeline.settings import SETTINGS, Settings
from tests.faults.ground import free_port

MARK = "S3CR"
SIGNING = b64encode(b"a key of twenty-four byte").decode()
SECRETS = {
    "server_keys": f"{MARK}server:shop",
    "webhook_secrets": f"stripe:shop=whsec_{MARK}inbound",
    "ip_addresses": "hashed",
    "ip_hash_key": f"{MARK}0123456789abcdef",
    "webhook_secret": f"whsec_{SIGNING}",
    "worker_token": f"{MARK}token-of-many-characters",
}
URL = f"http://user:{MARK}password@127.0.0.1:{{port}}/{MARK}path/x?token={MARK}token#{MARK}end"
TOLD = {
    "Content-Type": "application/json",
    "X-Footfall": "1",
    "Authorization": f"Bearer {SECRETS['worker_token']}",
}
QUERY = "SELECT * FROM {} FORMAT JSONEachRow"


class Stack(NamedTuple):
    """`env` is what every command is run with; `output` what collector and worker wrote."""

    env: dict[str, str]
    output: Path
    collector: WorkerClient
    worker: WorkerClient


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Running, with a trigger whose delivery failed, and with rejects of several kinds."""
    place = tmp_path_factory.mktemp("secrets")
    ports = {"port": free_port(), "worker_port": free_port()}
    given = {
        **SECRETS,
        **{name: str(port) for name, port in ports.items()},
        "webhook_url": URL.format(port=free_port()),
        "log": f"embedded://{place / 'log'}",
        "warehouse": f"chdb://{place / 'warehouse'}",
        "write_keys": "k3y:shop",
    }
    env = {**os.environ, **{f"FOOTFALL_{name.upper()}": text for name, text in given.items()}}
    output = place / "up.log"
    with output.open("wb") as log:
        up = subprocess.Popen(
            [sys.executable, "-m", "footfall", "up"], env=env, stdout=log, stderr=log
        )
    clients = [
        WorkerClient(f"http://127.0.0.1:{port}", SECRETS["worker_token"]) for port in ports.values()
    ]
    try:
        assert wait_until(lambda: all(client.is_ready() for client in clients), 60), (
            output.read_text()
        )
        stack = Stack(env, output, *clients)
        send(stack)
        asked = "SELECT count() AS n FROM deliveries"
        assert wait_until(lambda: int(stack.worker.query(asked, {})[0]["n"]) > 0, 60, 0.5)
        yield stack
    finally:
        up.terminate()
        up.wait(40)


def send(stack: Stack) -> None:
    """What makes a trigger, and what is refused together with a secret."""
    key = f"{MARK}server"
    ticket = {
        "messageId": "t1",
        "ticketId": "t1",
        "action": "rated",
        "rating": 1,
        "writeKey": key,
        "customer": {"email": "ada@example.org"},
        "subject": "Bad",
    }
    bodies = [ticket, ticket | {"messageId": "t2", "action": "nonsense"}, [key], {"writeKey": key}]
    for path in ("/v1/tickets", "/v1/purchases", "/v1/track", f"/v1/track?writeKey={key}"):
        for body in bodies:
            for headers in ({}, {"Origin": "https://www.myshop.example"}):
                ask(stack.collector.url + path, body, headers)
    ask(
        f"{stack.collector.url}/webhooks/stripe/shop",
        {"secret": "x"},
        {"Stripe-Signature": "t=1,v1=0"},
    )


def ask(url: str, body: object = None, headers: dict[str, str] | None = None) -> str:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url, data, {**TOLD, **(headers or {})}), timeout=20) as answer:
            return str(answer.read().decode(errors="replace"))
    except HTTPError as error:
        return error.read().decode(errors="replace")


def command(stack: Stack, *arguments: str, **env: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "footfall", *arguments],
        env={**stack.env, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.stdout + ended.stderr


def shown(text: str) -> list[str]:
    """Where a secret stands in a text, with some of what is around."""
    found = [text.find(secret) for secret in (MARK, SIGNING, SIGNING.rstrip("="))]
    return [text[max(0, at - 100) : at + 40] for at in found if at >= 0]


def test_every_setting_that_can_hold_a_secret_has_one_here() -> None:
    held = set(SECRETS) | {"webhook_url", "log", "warehouse"}
    assert {setting.name for setting in SETTINGS if setting.secret or setting.url} <= held


def test_the_processes_write_none(stack: Stack) -> None:
    text = stack.output.read_text(errors="replace")
    assert "worker_started" in text
    assert shown(text) == []


def test_no_table_has_one_and_endpoints_are_still_told_apart(stack: Stack) -> None:
    tables = [row["name"] for row in stack.worker.query("SHOW TABLES", {})]
    assert {"deliveries", "rejects", "events", "triggers"} <= set(tables)
    for table in tables:
        text = json.dumps(stack.worker.query(f"SELECT * FROM {table}", {}), ensure_ascii=False)
        assert (table, shown(text)) == (table, [])
    (row,) = stack.worker.query("SELECT DISTINCT endpoint FROM deliveries", {})
    assert row["endpoint"].startswith("http://***@127.0.0.1:")
    assert row["endpoint"][-9:-8] == "…"


def test_no_page_and_no_metric_has_one(stack: Stack) -> None:
    named = json.loads(stack.worker.ask("/api/named"))
    paths = [
        "/",
        "/ready",
        "/metrics",
        "/api/status",
        "/api/named",
        *(f"/api/named/{one}" for one in named),
    ]
    for url in [stack.worker.url + path for path in paths] + [
        stack.collector.url + path for path in ("/", "/ready", "/metrics", "/footfall.js")
    ]:
        assert (url, shown(ask(url))) == (url, [])


@pytest.mark.parametrize(
    "arguments",
    [
        ("doctor",),
        ("doctor", "--json"),
        ("rejects", "list", "--json"),
        ("sources",),
        ("snippet",),
        ("sources", "stripe"),
        ("query", "SELECT * FROM deliveries", "--json"),
        ("rejects", "replay"),
        ("up",),
        ("worker",),
        ("collect",),
        ("up", "--help"),
        ("query", "SELECT throwIf(1, 'x')"),
    ],
    ids=" ".join,
)
def test_no_command_says_one(stack: Stack, arguments: tuple[str, ...]) -> None:
    said = command(stack, *arguments)
    assert said
    assert shown(said) == []


AWAY = {
    "FOOTFALL_WAREHOUSE": f"clickhouse://{MARK}user:{MARK}password@127.0.0.1:1/db",
    "FOOTFALL_WORKER_PORT": "1",
}
WRONG = [
    {"FOOTFALL_LOG": f"kafka://{MARK}user:{MARK}password@broker:9092"},
    {"FOOTFALL_WAREHOUSE": f"clickhouse://u:{MARK}pass/word@host:99999/db"},
    {"FOOTFALL_WAREHOUSE": f"clickhous://u:{MARK}@host/db"},
    {"FOOTFALL_WEBHOOK_URL": f"https://hooks..example/{MARK}?{MARK}#{MARK}"},
    {"FOOTFALL_WEBHOOK_URL": f"{MARK}@hooks.example/{MARK}"},
    {"FOOTFALL_WEBHOOK_URL": MARK},
    {"FOOTFALL_WEBHOOK_SECRET": f"{MARK}!"},
    {"FOOTFALL_SERVER_KEYS": MARK},
    {"FOOTFALL_HOST": f"http://u:{MARK}@host"},
    {"FOOTFALL_IP_HASH_KEY": MARK},
    {"FOOTFALL_WEBHOOK_SECRETS": f"stripe={MARK},{MARK}"},
]


@pytest.mark.parametrize("name", ["query", "doctor", "migrate"])
def test_a_warehouse_that_is_away_is_told_without_its_password(stack: Stack, name: str) -> None:
    said = command(stack, name, *(["SELECT 1"] if name == "query" else []), **AWAY)
    assert "127.0.0.1" in said
    assert shown(said) == []


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: " ".join(one.values()))
def test_a_wrong_setting_is_told_without_its_secret(stack: Stack, wrong: dict[str, str]) -> None:
    said = command(stack, "up", FOOTFALL_PORT=str(free_port()), **wrong)
    assert "footfall: " in said
    assert shown(said) == []


def test_what_the_processes_made_is_their_owner_s_alone(stack: Stack) -> None:
    place = stack.output.parent
    made = [
        path for name in ("log", "warehouse") for path in (place / name, *(place / name).rglob("*"))
    ]
    assert {path.name for path in made} > {"inbox.db", "inbox.db-wal", "work.db", "footfall.json"}
    assert [path for path in made if path.lstat().st_mode & 0o077 and not path.is_symlink()] == []


def test_the_settings_still_reach_the_children() -> None:
    given = {**SECRETS, "webhook_url": URL.format(port=1)}
    assert Settings({}, Settings(given, {}).environment()).webhook_url == given["webhook_url"]
