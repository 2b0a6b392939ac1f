"""The command line: every command has an example, a wrong setting is named, errors are one line."""

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from collectors.errors import LogMismatch, Overloaded
from footfall.cli import cli, main
from pipeline.errors import BadSetting, LogUnavailable, WarehouseRefused, WarehouseUnavailable
from pipeline.settings import SETTINGS

ROOT = Path(__file__).parents[2]
SHOWN = [ROOT / "README.md", ROOT / "docker-compose.yml", *sorted((ROOT / "docs").rglob("*.md"))]
_SECRET_FLAG = re.compile(rf"({'|'.join(one.flag for one in SETTINGS if one.secret)})[ =]")


def commands(group: click.Group, path: str = "") -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        found.append((path + name, command))
        if isinstance(command, click.Group):
            found += commands(command, f"{path}{name} ")
    return found


@pytest.mark.parametrize("name", ["", *(name for name, _ in commands(cli))])
def test_every_command_has_an_example_that_names_it(name: str) -> None:
    text = CliRunner().invoke(cli, [*name.split(), "--help"]).output
    assert f"footfall {name}" in text.split("Example:")[1]


def test_no_command_loads_arrow_or_the_embedded_warehouse_before_it_needs_them() -> None:
    """Arrow and NumPy alone would double what a collector takes: 115 MB instead of 56."""
    asked = "import sys, footfall.cli, collectors.server; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    assert "uvicorn" in found.stdout.split()
    assert {"pyarrow", "numpy", "chdb", "faust", "kafka"} & set(found.stdout.split()) == set()


@pytest.mark.parametrize("file", SHOWN, ids=lambda file: file.name)
def test_no_page_shows_a_secret_where_ps_sees_it(file: Path) -> None:
    assert not _SECRET_FLAG.search(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [name for name, _ in commands(cli)])
def test_no_example_shows_a_secret_where_ps_sees_it(name: str) -> None:
    text = CliRunner().invoke(cli, [*name.split(), "--help"]).output
    assert not _SECRET_FLAG.search(text.partition("Example:")[2].partition("Options:")[0])


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_every_setting_is_a_flag_of_some_command(setting: object) -> None:
    flags = {option for _, command in commands(cli) for p in command.params for option in p.opts}
    assert setting.flag in flags  # type: ignore[attr-defined]


def test_a_wrong_setting_is_one_line_and_exit_code_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["footfall", "worker", "--horizon", "1"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "footfall: --horizon is '1'; it takes a whole number from 5 to 1800.\n"
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WarehouseUnavailable("x"), 1),
        (LogUnavailable("x"), 1),
        (Overloaded("x"), 1),
        (BadSetting("x"), 2),
        (WarehouseRefused("x"), 2),
        (LogMismatch("x"), 2),
    ],
    ids=lambda x: type(x).__name__,
)
def test_exit_codes_tell_what_another_try_may_cure(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**options: object) -> None:
        raise error

    monkeypatch.setattr("footfall.cli.cli", fails)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert capsys.readouterr().err == "footfall: x\n"


def test_a_check_up_where_nothing_runs_says_what_to_start(tmp_path: Path) -> None:
    flags = [
        "--log",
        f"embedded://{tmp_path}",
        "--warehouse",
        f"chdb://{tmp_path}/w",
        "--port",
        "1",
        "--worker-port",
        "1",
        "--json",
    ]
    result = CliRunner().invoke(cli, ["doctor", *flags])
    assert result.exit_code == 1
    findings = json.loads(result.output)
    assert {tuple(finding) for finding in findings} == {("part", "ok", "text", "advice")}
    assert {type(finding["ok"]) for finding in findings} == {bool}
    wrong = {finding["part"] for finding in findings if not finding["ok"]}
    assert wrong == {"collector", "log", "worker", "warehouse"}
    assert {"settings", "disk"} <= {finding["part"] for finding in findings}
    assert "footfall up" in result.output
