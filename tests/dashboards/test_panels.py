"""Every panel of every dashboard, as Grafana would ask for it, on a shop's data."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboards.__main__ import FOLDER
from dashboards.boards import ALL
from dashboards.grafana import CLICKHOUSE, panel_sql, text_of
from dashboards.panels import Board
from pipeline.warehouse.embedded import EmbeddedWarehouse
from tests.dashboards import shop
from tests.dashboards.macros import expand

INTERVAL = 3600


def _read(path: Path) -> dict[str, Any]:
    board: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return board


def _sql_panels() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.json")):
        for panel in _read(path)["panels"]:
            if panel["datasource"] == CLICKHOUSE:
                name = f"{path.stem}: {panel['title']}"
                yield pytest.param(panel, id=name)


SQL_PANELS = list(_sql_panels())


def _ask(warehouse: EmbeddedWarehouse, raw: str) -> dict[str, Any]:
    sent = expand(raw, shop.SITE, shop.START, shop.END, INTERVAL)
    answer: dict[str, Any] = json.loads(warehouse.raw(sent, "JSONCompact"))
    return answer


@pytest.mark.parametrize("panel", SQL_PANELS)
def test_a_panel_shows_something(warehouse: EmbeddedWarehouse, panel: dict[str, Any]) -> None:
    (target,) = panel["targets"]
    answer = _ask(warehouse, target["rawSql"])
    assert answer["data"], "empty"
    assert any(value not in (None, 0, "") for row in answer["data"] for value in row)


@pytest.mark.parametrize("panel", SQL_PANELS)
def test_a_time_series_has_a_time_and_numbers(
    warehouse: EmbeddedWarehouse, panel: dict[str, Any]
) -> None:
    if panel["type"] != "timeseries":
        return
    meta = _ask(warehouse, panel["targets"][0]["rawSql"])["meta"]
    types = [column["type"].removeprefix("Nullable(") for column in meta]
    assert meta[0]["name"] == "time" and types[0].startswith("DateTime")
    assert any(kind.startswith(("UInt", "Int", "Float")) for kind in types[1:])


@pytest.mark.parametrize("panel", SQL_PANELS)
def test_columns_with_a_unit_or_hidden_are_there(
    warehouse: EmbeddedWarehouse, panel: dict[str, Any]
) -> None:
    hidden = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if override["properties"][0]["id"] == "custom.hidden"
    }
    meta = _ask(warehouse, panel["targets"][0]["rawSql"])["meta"]
    assert hidden <= {column["name"] for column in meta}


def test_the_site_menu_lists_sites(warehouse: EmbeddedWarehouse) -> None:
    for board in ALL:
        (variable,) = _read(FOLDER / f"{board.uid}.json")["templating"]["list"]
        # Other files of this folder may have added theirs to the same warehouse.
        assert [shop.SITE] in _ask(warehouse, variable["query"])["data"]


@pytest.mark.parametrize("board", ALL, ids=lambda board: board.uid)
def test_the_file_is_what_the_code_says(board: Board) -> None:
    assert FOLDER.joinpath(f"{board.uid}.json").read_text(encoding="utf-8") == text_of(board)


def test_there_is_a_file_per_board_and_no_other() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {board.uid for board in ALL}


@pytest.mark.parametrize("board", ALL, ids=lambda board: board.uid)
def test_panels_do_not_overlap(board: Board) -> None:
    cells: set[tuple[int, int]] = set()
    for panel in _read(FOLDER / f"{board.uid}.json")["panels"]:
        at = panel["gridPos"]
        own = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & own, panel["title"]
        cells |= own


def test_visitors_text_cannot_become_part_of_a_panels_sql() -> None:
    with pytest.raises(KeyError):
        panel_sql("customer_find")
