"""The worker's HTTP face, in front of a warehouse that only remembers."""

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from pipeline.errors import WarehouseRefused, WarehouseUnavailable
from pipeline.web.server import make_web
from tests.pipeline.web.fakes import FakeWarehouse, visit

Client = TestClient[Any, Any]
Answer = tuple[int, Any]
JSON = {"Content-Type": "application/json"}


def get(path: str, warehouse: FakeWarehouse | None = None, **more: Any) -> Answer:
    async def steps(client: Client) -> Answer:
        response = await client.get(path)
        return response.status, await response.json()

    return visit(warehouse or FakeWarehouse(), steps, **more)


def post(body: bytes, warehouse: FakeWarehouse | None = None) -> Answer:
    async def steps(client: Client) -> Answer:
        response = await client.post("/api/query", data=body, headers=JSON)
        return response.status, await response.json()

    return visit(warehouse or FakeWarehouse(), steps)


def test_it_is_healthy_while_it_answers() -> None:
    assert get("/health", ready=False) == (200, {"ok": True})


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
def test_it_is_ready_when_the_worker_is(ready: bool, status: int) -> None:
    assert get("/ready", ready=ready) == (status, {"ready": ready})


def test_readiness_does_not_wait_for_the_status() -> None:
    async def status() -> dict[str, Any]:
        raise AssertionError("books are costly, and probes ask every few seconds")

    async def run() -> int:
        app = make_web(FakeWarehouse(), CollectorRegistry(), status, lambda: True)
        async with TestClient(TestServer(app)) as client:
            return (await client.get("/ready")).status

    assert asyncio.run(run()) == 200


def test_the_status_is_the_workers_own() -> None:
    assert get("/api/status") == (200, {"lag": 7})


def test_metrics_are_in_the_exposition_format() -> None:
    async def steps(client: Client) -> tuple[str, str]:
        response = await client.get("/metrics")
        return response.headers["Content-Type"], await response.text()

    kind, text = visit(FakeWarehouse(), steps)
    assert kind.startswith("text/plain; version=")
    assert "footfall_test_total 1.0" in text


def test_a_query_is_bound_and_answered_with_names_types_rows() -> None:
    warehouse = FakeWarehouse()
    body = b'{"sql": "SELECT {a:UInt8} AS a", "params": {"a": 3}}'
    assert post(body, warehouse) == (200, {"names": ["a"], "types": ["UInt8"], "rows": [[3]]})
    assert warehouse.asked == [("SELECT {a:UInt8} AS a", "JSONCompact", {"a": 3})]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"params": {}}', b'{"sql": 1}', b"\xff"])
def test_a_body_that_is_no_query_is_the_callers_fault(body: bytes) -> None:
    status, answer = post(body)
    assert status == 400
    assert "the body is" in answer["error"]


def test_a_format_of_its_own_is_refused() -> None:
    status, answer = post(b'{"sql": "SELECT 1 FORMAT CSV"}', FakeWarehouse(b"1\n"))
    assert status == 400
    assert "FORMAT" in answer["error"]


def test_the_engines_text_is_told_and_trimmed() -> None:
    status, answer = post(
        b'{"sql": "x"}', FakeWarehouse(WarehouseRefused("Code: 62. " + "y" * 999))
    )
    assert status == 400
    assert answer["error"].startswith("Code: 62. yyy")
    assert len(answer["error"]) == 600


def test_a_bad_moment_is_503_and_worth_another_try() -> None:
    async def steps(client: Client) -> tuple[int, str]:
        response = await client.post("/api/query", data=b'{"sql": "x"}', headers=JSON)
        return response.status, response.headers["Retry-After"]

    assert visit(FakeWarehouse(WarehouseUnavailable("memory")), steps) == (503, "1")


def test_a_named_query_is_run_with_what_it_takes() -> None:
    warehouse = FakeWarehouse()
    status, _ = get("/api/named/cycles_due?site=it's", warehouse)
    assert status == 200
    ((sql, fmt, params),) = warehouse.asked
    assert sql.startswith("-- Who should buy what again")
    assert (fmt, params) == ("JSONCompact", {"site": "it's"})


@pytest.mark.parametrize("path", ["cycles_due", "cycles_due?site=a&other=b"])
def test_a_named_query_says_what_it_takes(path: str) -> None:
    warehouse = FakeWarehouse()
    status, answer = get(f"/api/named/{path}", warehouse)
    assert (status, answer) == (400, {"error": "the query `cycles_due` takes site (String)"})
    assert warehouse.asked == []


@pytest.mark.parametrize("name", ["nothing", "..%2Fmigrations%2F0001_facts", "cycles_due.sql"])
def test_only_named_queries_have_names(name: str) -> None:
    assert get(f"/api/named/{name}")[0] == 404


def test_all_named_queries_are_listed() -> None:
    status, answer = get("/api/named")
    assert status == 200
    assert answer["tickets_states"] == {"site": "String", "to": "DateTime64(3, 'UTC')"}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/customers/user_id%3A4?site=a",
        "/static/style.css",
        "/health",
        "/missing",
        "/static/../server.py",
    ],
)
def test_every_answer_forbids_foreign_and_inline_script(path: str) -> None:
    async def steps(client: Client) -> Any:
        return (await client.get(path)).headers

    headers = visit(FakeWarehouse(), steps)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_wrong_address_in_a_browser_leads_home() -> None:
    async def steps(client: Client) -> tuple[int, str, str]:
        response = await client.get("/missing", headers={"Accept": "text/html,*/*;q=0.8"})
        return response.status, response.content_type, await response.text()

    status, kind, page = visit(FakeWarehouse(), steps)
    assert (status, kind) == (404, "text/html")
    assert '<a href="/">' in page


def test_a_program_is_told_that_an_address_is_wrong_without_a_page() -> None:
    async def steps(client: Client) -> tuple[int, str]:
        response = await client.get("/missing")
        return response.status, response.content_type

    assert visit(FakeWarehouse(), steps) == (404, "text/plain")


def test_pages_are_the_same_whoever_is_asked_for() -> None:
    async def steps(client: Client) -> tuple[bytes, bytes]:
        one = await client.get("/customers/anna")
        two = await client.get("/customers/%3Cscript%3E?site=%22%3E")
        return await one.read(), await two.read()

    one, two = visit(FakeWarehouse(), steps)
    assert one == two
    assert b"customer.js" in one


def test_a_large_body_is_refused_unread() -> None:
    async def steps(client: Client) -> int:
        return (await client.post("/api/query", data=b"x" * 300_000, headers=JSON)).status

    assert visit(FakeWarehouse(), steps) == 413
