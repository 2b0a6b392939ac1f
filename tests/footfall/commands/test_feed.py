"""`footfall import`: what it tells of itself."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collectors.errors import FileError
from footfall.commands.feed import import_file

MAPPING = 'kind = "purchases"\nsite = "s"\n[columns]\norder_id = "n"\ntime = "at"\nemail = "who"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.toml").write_text(MAPPING)
    return tmp_path


def imported(folder: Path, text: str) -> Result:
    file = folder / "orders.csv"
    file.write_text(text)
    flags = ["--mapping", str(folder / "orders.toml"), "--log", f"embedded://{folder / 'log'}"]
    return CliRunner().invoke(import_file, [str(file), *flags])


def test_one_line_is_one_line_and_no_rate_is_made_of_it(folder: Path) -> None:
    result = imported(folder, "n,at,who\n1,2026-01-01,a@example.org\n")
    assert result.exit_code == 0, result.output
    told = result.stdout.strip()
    assert told.startswith("1 line, 1 event (what was there already counts once), 0 rejects in 0.")
    assert told.endswith(" s")


def test_the_bar_ends_at_all_lines(folder: Path) -> None:
    result = imported(folder, "n,at,who\n1,2026-01-01,a@example.org\n2,soon,b@example.org\n")
    assert (result.exit_code, "2 lines" in result.stderr) == (1, True)
    assert "time_out_of_range: 1" in result.stdout


def test_there_is_no_empty_bar_above_an_error(folder: Path) -> None:
    result = imported(folder, "number,at,who\n1,2026-01-01,a@example.org\n")
    assert isinstance(result.exception, FileError)
    assert result.stderr == ""
