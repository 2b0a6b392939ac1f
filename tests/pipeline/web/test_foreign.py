"""What pages of other websites may ask for: to be linked to, and nothing else."""

import random
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from tests.pipeline.web.fakes import FakeWarehouse, visit

SITES = ("cross-site", "same-site")
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FETCH = {"Sec-Fetch-Mode": "no-cors"}
JSON = {"Content-Type": "application/json"}
ASKING = [
    ("POST", "/api/query"),
    ("GET", "/api/named/cycles_due?site=a"),
    ("GET", "/clickhouse?query=SELECT+1"),
    ("POST", "/clickhouse/"),
]


def ask(method: str, path: str, headers: dict[str, str]) -> tuple[int, int]:
    """The answer's status, and how often the warehouse was asked."""
    warehouse = FakeWarehouse()

    async def steps(client: TestClient[Any, Any]) -> int:
        here = f"http://{client.host}:{client.port}"
        sent = {name: value.replace("HERE", here) for name, value in headers.items()}
        data = b'{"sql": "SELECT 1"}' if method == "POST" else None
        return (await client.request(method, path, data=data, headers=sent)).status

    return visit(warehouse, steps, headers={}), len(warehouse.asked)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(("method", "path"), [*ASKING, ("GET", "/static/style.css"), ("GET", "/")])
def test_a_foreign_page_cannot_ask(method: str, path: str, site: str) -> None:
    assert ask(method, path, {**FETCH, **JSON, "Sec-Fetch-Site": site}) == (403, 0)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(("method", "path"), [*ASKING, ("POST", "/")])
def test_a_foreign_link_or_form_cannot_ask_either(method: str, path: str, site: str) -> None:
    assert ask(method, path, {**NAVIGATION, **JSON, "Sec-Fetch-Site": site}) == (403, 0)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("path", ["/", "/customers/anna?site=shop"])
def test_a_foreign_page_may_link_to_pages_but_not_frame_them(path: str, site: str) -> None:
    assert ask("GET", path, {**NAVIGATION, "Sec-Fetch-Site": site}) == (200, 0)
    framed = {**NAVIGATION, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": site}
    assert ask("GET", path, framed) == (403, 0)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://127.0.0.1:1",
        "http://localhost",
        "https://evil.example",
        "http://0.0.0.0:8101",
        "HERE.evil.example",
        "ftp://127.0.0.1",
        "",
    ],
)
@pytest.mark.parametrize(("method", "path"), ASKING)
def test_another_origin_is_refused_whatever_else_is_sent(
    method: str, path: str, origin: str
) -> None:
    headers = {"Origin": origin, "X-Footfall": "1", "Authorization": "Bearer x", **JSON}
    assert ask(method, path, headers) == (403, 0)


@pytest.mark.parametrize(("method", "path"), ASKING)
def test_our_own_origin_is_not(method: str, path: str) -> None:
    assert ask(method, path, {"Origin": "HERE", "X-Footfall": "1", **JSON}) == (200, 1)


@pytest.mark.parametrize(("method", "path"), ASKING)
@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_pages_ask_freely(method: str, path: str, site: str) -> None:
    body = JSON if method == "POST" else {}
    assert ask(method, path, {"Sec-Fetch-Site": site, **body}) == (200, 1)


@pytest.mark.parametrize(
    "mark", [{"X-Footfall": ""}, {"X-ClickHouse-User": "grafana"}, {"Authorization": "Bearer x"}]
)
@pytest.mark.parametrize(("method", "path"), ASKING)
def test_programs_say_so_with_a_header_that_no_foreign_page_can_send(
    method: str, path: str, mark: dict[str, str]
) -> None:
    body = JSON if path == "/api/query" else {}
    assert ask(method, path, {**mark, **body}) == (200, 1)


def test_grafanas_driver_which_sends_only_a_password_may_post() -> None:
    assert ask("POST", "/clickhouse", {"Authorization": "Basic ZGVmYXVsdDo="}) == (200, 1)


def test_what_a_browser_without_those_headers_sends_for_a_foreign_page_asks_nothing() -> None:
    """Simple requests: any method, header and type that a form, an image or no-cors fetch can send."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    types = (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; x=application/json",
        "application/jsonp",
        "",
    )
    for _ in range(60):
        method, path = dice.choice(ASKING)
        headers = {"Accept": "*/*", "Accept-Language": "en", "Cookie": "a=b"}
        if method == "POST":
            headers["Content-Type"] = dice.choice(types)
        elif dice.random() < 0.5:
            headers["Authorization"] = "Basic ZGVmYXVsdDo="  # kept by the browser
        status, asked = ask(method, path, headers)
        assert (status in (403, 415), asked) == (True, 0), (method, path, headers)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_a_query_comes_as_json(kind: str) -> None:
    headers = {"X-Footfall": "1", "Content-Type": kind}
    assert ask("POST", "/api/query", headers) == (415, 0)
