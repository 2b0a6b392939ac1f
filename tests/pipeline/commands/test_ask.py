"""`rejects replay`: what it sends again, what it leaves to the vendor, and how many it takes."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import cli
from pipeline.commands import ask
from pipeline.operate.replay import Replayed
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.migrate import migrate
from schemas.columns import REJECTS
from tests.pipeline.warehouse.rows import NOON, row, store

PATHS = ("/v1/batch", "/webhooks/shopify", "/webhooks/stripe/shop", "/v1/webhooks/", "/cut", "")
"""Newest last."""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A warehouse with one reject of each path."""
    path = tmp_path_factory.mktemp("warehouse")
    opened = EmbeddedWarehouse(path)
    migrate(opened)
    rejects = [
        row(
            REJECTS,
            id=str(n),
            path=path,
            received_at=NOON + n,
            cut=path == "/cut",
            reason="bad_json",
        )
        for n, path in enumerate(PATHS)
    ]
    store(opened, REJECTS, *rejects)
    opened.close()
    yield path


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of what was sent again."""
    paths: list[str] = []

    def replay(settings: object, rejects: Iterable[Mapping[str, Any]], key: str) -> Replayed:
        paths.extend(reject["path"] for reject in rejects)
        return Replayed(len(paths), 0)

    monkeypatch.setattr(ask, "replay", replay)
    return paths


def run(warehouse: Path, *flags: str) -> str:
    command = ["rejects", "replay", "--warehouse", f"chdb://{warehouse}", "--worker-port", "1"]
    result = CliRunner().invoke(cli, [*command, *flags])
    assert result.exit_code == 0, result.output
    return result.output


def test_what_only_a_vendor_can_sign_or_was_cut_is_left_out_and_counted(
    warehouse: Path, replayed: list[str]
) -> None:
    output = run(warehouse, "--json")
    assert replayed == ["/v1/webhooks/", "/v1/batch"]
    assert output == '{"taken":2,"refused":0,"impossible":1,"left_out":2}\n'


def test_the_limit_is_of_those_that_can_be_sent_again(warehouse: Path, replayed: list[str]) -> None:
    run(warehouse, "--limit", "1", "--reason", "bad_json")
    assert replayed == ["/v1/webhooks/"]
    replayed.clear()
    run(warehouse, "--limit", "2")
    assert len(replayed) == 2


def test_people_are_told_how_many_were_left_out(warehouse: Path, replayed: list[str]) -> None:
    output = run(warehouse)
    assert "1 were cut and cannot be sent again, 2 of webhooks were left out" in output


def test_a_reason_that_nothing_has_sends_nothing(warehouse: Path, replayed: list[str]) -> None:
    assert run(warehouse, "--reason", "bad_order", "--json") == (
        '{"taken":0,"refused":0,"impossible":0,"left_out":0}\n'
    )
