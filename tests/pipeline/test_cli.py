"""The command line: every command has an example, a wrong setting is named, errors are one line."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from collectors.errors import LogMismatch, Overloaded
from pipeline.cli import cli, main
from pipeline.errors import BadSetting, LogUnavailable, WarehouseRefused, WarehouseUnavailable
from pipeline.settings import SETTINGS


def commands(group: click.Group, path: str = "") -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += commands(command, f"{path}{name} ")
        else:
            found.append((path + name, command))
    return found


@pytest.mark.parametrize(
    ("name", "command"), commands(cli), ids=lambda x: x if isinstance(x, str) else ""
)
def test_every_command_has_an_example_that_names_it(name: str, command: click.Command) -> None:
    text = CliRunner().invoke(cli, [*name.split(), "--help"]).output
    assert f"footfall {name}" in text.split("Example:")[1]


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
    [(WarehouseUnavailable("x"), 1), (LogUnavailable("x"), 1), (Overloaded("x"), 1),
     (BadSetting("x"), 2), (WarehouseRefused("x"), 2), (LogMismatch("x"), 2)],
    ids=lambda x: type(x).__name__,
)  # fmt: skip
def test_exit_codes_tell_what_another_try_may_cure(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**options: object) -> None:
        raise error

    monkeypatch.setattr("pipeline.cli.cli", fails)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert capsys.readouterr().err == "footfall: x\n"


def test_a_check_up_where_nothing_runs_says_what_to_start(tmp_path: Path) -> None:
    flags = ["--log", f"embedded://{tmp_path}", "--warehouse", f"chdb://{tmp_path}/w",
             "--port", "1", "--worker-port", "1", "--json"]  # fmt: skip
    result = CliRunner().invoke(cli, ["doctor", *flags])
    assert result.exit_code == 1
    for part in ("collector", "log", "worker"):
        assert f'"part":"{part}","ok":false' in result.output
    assert "footfall up" in result.output
