"""`rejects replay`: what it sends again, what it leaves to the vendor, and how many it takes."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from footfall.cli import cli
from footfall.commands import ask
from footfall.operations.replay import ReplayOutcome
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.migrate import migrate
from schemas.rows import RejectRow
from tests.pipeline.warehouse.rows import NOON, row, store

PATHS = ("/v1/batch", "/webhooks/shopify", "/webhooks/stripe/shop", "/v1/webhooks/", "/cut", "")
"""Newest last."""
AGAIN = ("/v1/webhooks/", "/v1/batch")
WANTING = ("not_allowed", "forbidden_origin", "bad_signature", "unknown_key")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A warehouse with one reject of each path."""
    path = tmp_path_factory.mktemp("warehouse")
    opened = EmbeddedWarehouse(path)
    migrate(opened)
    rejects = [
        row(
            RejectRow,
            id=str(n),
            path=path,
            received_at=NOON + n,
            cut=path == "/cut",
            reason="bad_json",
        )
        for n, path in enumerate(PATHS)
    ]
    wanting = [
        row(RejectRow, id=reason, path="/v1/page", received_at=NOON - n, cut=False, reason=reason)
        for n, reason in enumerate(WANTING, 1)
    ]
    again = row(
        RejectRow,
        id="0",
        path="/v1/batch",
        received_at=NOON + 99,
        cut=False,
        reason="bad_shape",
        body="one of it",
    )
    store(opened, RejectRow, *rejects, *wanting, again)
    opened.close()
    yield path


class Sent:
    """What was sent again, and what is said to have come of it."""

    def __init__(self) -> None:
        self.rows: list[Mapping[str, Any]] = []
        self.refused = self.impossible = 0

    def replay(
        self, settings: object, rejects: Iterable[Mapping[str, Any]], key: str
    ) -> ReplayOutcome:
        self.rows = list(rejects)
        return ReplayOutcome(len(self.rows), self.refused, self.impossible)

    @property
    def paths(self) -> list[str]:
        return [row["path"] for row in self.rows]


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> Sent:
    sent = Sent()
    monkeypatch.setattr(ask, "replay", sent.replay)
    return sent


def run(warehouse: Path, *flags: str, ends: int = 0) -> str:
    command = ["rejects", "replay", "--warehouse", f"chdb://{warehouse}", "--worker-port", "1"]
    result = CliRunner().invoke(cli, [*command, *flags])
    assert result.exit_code == ends, result.output
    return result.output


def test_what_only_a_vendor_can_sign_or_was_cut_is_left_out_and_counted(
    warehouse: Path, replayed: Sent
) -> None:
    output = run(warehouse, "--json")
    assert replayed.paths == list(AGAIN)
    assert output == '{"taken":2,"refused":0,"impossible":1,"left_out":6}\n'


def test_the_limit_is_of_those_that_can_be_sent_again(warehouse: Path, replayed: Sent) -> None:
    run(warehouse, "--limit", "1", "--reason", "bad_json")
    assert replayed.paths == ["/v1/webhooks/"]
    run(warehouse, "--limit", "2")
    assert len(replayed.rows) == 2


@pytest.mark.parametrize("reason", WANTING)
def test_what_was_refused_for_want_of_rights_goes_where_its_reason_is_named(
    reason: str, warehouse: Path, replayed: Sent
) -> None:
    output = run(warehouse, "--reason", reason, "--json")
    assert [row["id"] for row in replayed.rows] == [reason]
    assert output == '{"taken":1,"refused":0,"impossible":0,"left_out":0}\n'


def test_what_was_refused_again_goes_once_as_it_came_first(warehouse: Path, replayed: Sent) -> None:
    run(warehouse)
    (row,) = (row for row in replayed.rows if row["id"] == "0")
    assert (int(row["time"]), row["body"]) == (NOON, "")


def test_people_are_told_how_many_were_left_out_and_why(warehouse: Path, replayed: Sent) -> None:
    replayed.refused, replayed.impossible = 3, 4
    output = run(warehouse, ends=1)
    assert output == (
        "2 taken, 3 refused again; impossible: 1 were cut, 4 have no key; "
        "left out: 2 of webhooks, 4 refused for want of rights\n"
    )


def test_a_reason_that_nothing_has_sends_nothing(warehouse: Path, replayed: Sent) -> None:
    assert run(warehouse, "--reason", "bad_order", "--json") == (
        '{"taken":0,"refused":0,"impossible":0,"left_out":0}\n'
    )


def test_of_one_that_was_refused_again_the_newest_is_shown(warehouse: Path) -> None:
    command = ["rejects", "show", "0", "--warehouse", f"chdb://{warehouse}", "--worker-port", "1"]
    result = CliRunner().invoke(cli, [*command, "--json"])
    assert '"body":"one of it"' in result.output
