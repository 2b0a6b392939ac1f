"""What pages of other websites may ask for: to be linked to, and nothing else."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from tests.pipeline.web.fakes import FakeWarehouse, visit

NAVIGATION = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
FETCH = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}


def status(method: str, path: str, headers: dict[str, str]) -> tuple[int, int]:
    """The answer's status, and how often the warehouse was asked."""
    warehouse = FakeWarehouse()

    async def steps(client: TestClient[Any, Any]) -> int:
        data = b'{"sql": "SELECT 1"}' if method == "POST" else None
        return (await client.request(method, path, data=data, headers=headers)).status

    return visit(warehouse, steps), len(warehouse.asked)


ASKING = [("POST", "/api/query"), ("GET", "/api/named/cycles_due?site=a"),
          ("GET", "/clickhouse?query=SELECT+1"), ("POST", "/clickhouse/")]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), [*ASKING, ("GET", "/static/style.css"), ("GET", "/")])
def test_a_foreign_page_cannot_ask(method: str, path: str) -> None:
    assert status(method, path, FETCH) == (403, 0)


@pytest.mark.parametrize(("method", "path"), [*ASKING, ("POST", "/")])
def test_a_foreign_link_or_form_cannot_ask_either(method: str, path: str) -> None:
    assert status(method, path, NAVIGATION) == (403, 0)


@pytest.mark.parametrize("path", ["/", "/customers/anna?site=shop"])
def test_a_foreign_page_may_link_to_pages(path: str) -> None:
    assert status("GET", path, NAVIGATION) == (200, 0)


@pytest.mark.parametrize(("method", "path"), ASKING)
@pytest.mark.parametrize("site", ["same-origin", "none", ""])
def test_our_own_pages_and_programs_ask_freely(method: str, path: str, site: str) -> None:
    headers = {"Sec-Fetch-Site": site} if site else {}
    assert status(method, path, headers) == (200, 1)
