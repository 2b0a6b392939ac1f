"""`footfall migrate` and `footfall up`: what they do beside a worker."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from footfall.commands import run
from pipeline.errors import BadSetting


def test_a_worker_that_runs_has_its_own_warehouse_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "status_of", lambda settings: {"ready": True})
    place = tmp_path / "warehouse"
    result = CliRunner().invoke(run.migrate, ["--warehouse", f"chdb://{place}"])
    assert result.output == "A worker is running and does this itself.\n"
    assert (result.exit_code, place.exists()) == (0, False)


def test_what_is_up_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "status_of", lambda settings: {"ready": True})
    result = CliRunner().invoke(run.up, ["--worker-port", "8201"])
    assert isinstance(result.exception, BadSetting)
    assert "A worker answers on http://127.0.0.1:8201 already." in str(result.exception)
