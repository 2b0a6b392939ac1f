"""By which names the worker answers."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from pipeline.web.borders import Access
from pipeline.web.hosts import is_served_host
from tests.pipeline.web.fakes import FakeWarehouse, visit

FOREIGN = [
    "rebound.example",
    "localhost.evil.example:8101",
    "",
    "0.0.0.0:8101",
    "192.168.1.4:8101",
    "10.0.0.1",
    "127.0.0.2:8101",
    "[::]:8101",
    "[fe80::1]:8101",
    "2130706433",
    "0x7f.1",
    "localhost@evil.example",
    "evil.example/localhost",
    "localhost:port",
    "[::1",
]


@pytest.mark.parametrize("host", ["localhost:8101", "127.0.0.1", "[::1]:8101", "LOCALHOST"])
def test_loopbacks_names_are_known(host: str) -> None:
    assert is_served_host(host, ())


@pytest.mark.parametrize("host", FOREIGN)
def test_nothing_else_is(host: str) -> None:
    assert not is_served_host(host, ())
    assert not is_served_host(host, ("stats.shop.example", "192.0.2.7:8101"))


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("stats.shop.example", True),
        ("Stats.Shop.Example:443", True),
        ("192.0.2.7:8101", True),
        ("192.0.2.7:8102", False),
        ("192.0.2.7", False),
        ("a.stats.shop.example", False),
    ],
)
def test_names_can_be_added_for_any_port_or_one(host: str, known: bool) -> None:
    assert is_served_host(host, ("stats.shop.example", "192.0.2.7:8101")) is known


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/api/status", "/static/style.css", "/clickhouse/ping"]
)
def test_by_another_name_nothing_is_answered(path: str) -> None:
    assert _status(path, "rebound.example", Access()) == 421
    assert _status(path, "rebound.example", Access(("rebound.example",))) == 200


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_come_by_any_name(path: str) -> None:
    assert _status(path, "10.1.2.3:8101", Access()) == 200


def test_with_the_token_any_name_will_do() -> None:
    token = "t" * 16
    access = Access((), token)
    assert _status("/metrics", "10.1.2.3:8101", access, Authorization=f"Bearer {token}") == 200
    assert _status("/metrics", "10.1.2.3:8101", access) == 401


def _status(path: str, host: str, access: Access, **headers: str) -> int:
    async def steps(client: TestClient[Any, Any]) -> int:
        return (await client.get(path, headers={"Host": host, **headers})).status

    return visit(FakeWarehouse(), steps, access=access)
