"""The warehouse from a command line: what is asked where there is none."""

from pathlib import Path

import pytest

from footfall.operations.warehouse_client import ask
from pipeline.errors import BadSetting, WarehouseUnavailable
from pipeline.settings import Settings
from tests.pipeline.test_folder import another_process


def settings(warehouse: Path) -> Settings:
    return Settings({"warehouse": f"chdb://{warehouse}", "worker_port": "1"}, {})


def test_a_wrong_directory_is_told_and_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "data" / "warehouse"
    with pytest.raises(BadSetting, match=f"{missing} has no tables: start `footfall up` once"):
        ask(settings(missing), "SELECT 1")
    assert not missing.parent.exists()


def test_a_warehouse_whose_worker_does_not_answer_may_be_asked_again(tmp_path: Path) -> None:
    told = r"pid \d+ since .* It does not answer on 127\.0\.0\.1:1: it may not have started yet"
    with another_process(tmp_path), pytest.raises(WarehouseUnavailable, match=told):
        ask(settings(tmp_path), "SELECT 1")


def test_a_warehouse_without_tables_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="or set FOOTFALL_LOG and FOOTFALL_WAREHOUSE as it has"):
        ask(settings(tmp_path), "SELECT count() FROM events")
