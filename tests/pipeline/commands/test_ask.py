"""`rejects replay`: what it sends again, and what it leaves to the vendor."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import cli
from pipeline.commands import ask
from pipeline.operate.replay import Replayed
from pipeline.warehouse.contract import Rows

NAMES = ("id", "path", "site", "body", "cut")
PATHS = ("/v1/batch", "/webhooks/shopify", "/webhooks/stripe/shop", "/v1/webhooks/")


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of what was sent again."""
    paths: list[str] = []

    def replay(settings: object, rejects: Iterable[Mapping[str, Any]], key: str) -> Replayed:
        paths.extend(reject["path"] for reject in rejects)
        return Replayed(len(paths), 0, 0)

    rows: list[tuple[Any, ...]] = [(str(n), path, "", "{}", False) for n, path in enumerate(PATHS)]
    monkeypatch.setattr(ask, "ask", lambda *_: Rows(NAMES, ("String",) * 5, rows))
    monkeypatch.setattr(ask, "replay", replay)
    return paths


def test_what_came_over_webhooks_is_left_out_and_counted(replayed: list[str]) -> None:
    result = CliRunner().invoke(cli, ["rejects", "replay", "--json"])
    assert replayed == ["/v1/batch", "/v1/webhooks/"]
    assert result.output == '{"taken":2,"refused":0,"impossible":0,"left_out":2}\n'


def test_people_are_told_how_many_were_left_out(replayed: list[str]) -> None:
    result = CliRunner().invoke(cli, ["rejects", "replay"])
    assert result.exit_code == 0
    assert "2 of webhooks were left out" in result.output
