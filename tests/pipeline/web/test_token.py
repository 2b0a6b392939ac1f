"""With a token set, whoever asks must show it; without one, only this machine is served."""

from base64 import b64encode
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from pipeline.web.borders import Access
from pipeline.web.token import has_token
from tests.pipeline.web.fakes import FakeWarehouse, visit

TOKEN = "c0rrect:horse-battery"
PATHS = [
    "/",
    "/customers/anna",
    "/static/style.css",
    "/metrics",
    "/api/status",
    "/api/named",
    "/clickhouse?query=SELECT+1",
    "/clickhouse/ping",
    "/missing",
]


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


RIGHT = [
    {"Authorization": f"Bearer {TOKEN}"},
    {"authorization": f"bearer {TOKEN}"},
    {"Authorization": basic("", TOKEN)},
    {"Authorization": basic("grafana", TOKEN)},
    {"X-ClickHouse-Key": TOKEN},
]
WRONG = [
    {},
    {"Authorization": f"Bearer {TOKEN}x"},
    {"Authorization": f"Bearer {TOKEN[:-1]}"},
    {"Authorization": basic(TOKEN, "")},
    {"Authorization": "Basic !!"},
    {"Authorization": "Basic"},
    {"Authorization": basic("a", "é" * 9)},
    {"X-ClickHouse-User": TOKEN},
    {"X-Footfall": TOKEN},
    {"Authorization": TOKEN},
    {"X-ClickHouse-Key": ""},
]


@pytest.mark.parametrize("headers", WRONG)
@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_answered_without_it(path: str, headers: dict[str, str]) -> None:
    warehouse = FakeWarehouse()
    assert _status(warehouse, path, headers) == (401, True)
    assert warehouse.asked == []


@pytest.mark.parametrize("headers", RIGHT)
@pytest.mark.parametrize("path", PATHS[:-1])
def test_everything_is_with_it(path: str, headers: dict[str, str]) -> None:
    assert _status(FakeWarehouse(), path, headers)[0] == 200


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_need_none(path: str) -> None:
    assert _status(FakeWarehouse(), path, {}) == (200, False)


def test_a_foreign_page_gains_nothing_from_a_password_that_the_browser_keeps() -> None:
    warehouse = FakeWarehouse()
    kept = {"Authorization": basic("", TOKEN), "Sec-Fetch-Site": "cross-site"}
    assert _status(warehouse, PATHS[6], kept)[0] == 403
    assert warehouse.asked == []


def test_an_empty_token_is_shown_by_nobody_by_accident() -> None:
    assert not has_token({}, TOKEN)
    assert not has_token({"X-ClickHouse-Key": ""}, TOKEN)


def _status(warehouse: FakeWarehouse, path: str, headers: dict[str, str]) -> tuple[int, bool]:
    """And whether a browser would ask for a password."""

    async def steps(client: TestClient[Any, Any]) -> tuple[int, bool]:
        response = await client.get(path, headers=headers)
        return response.status, "WWW-Authenticate" in response.headers

    return visit(warehouse, steps, access=Access((), TOKEN))
