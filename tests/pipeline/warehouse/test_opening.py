"""What the engine prints when it does not open a folder becomes one sentence."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import FolderUnusable, WarehouseUnavailable
from pipeline.warehouse.opening import captured_stderr, open_error

BEFORE = (
    "Failed to create connection: Code: 36. DB::Exception: Error initializing EmbeddedServer: . "
)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Code: 62. DB::Exception: Empty query (in file /w/store/events.sql): Cannot parse definition "
            "from metadata file /w/store/events.sql. (SYNTAX_ERROR)",
            "/w/store/events.sql is damaged",
        ),
        (
            "Code: 107. DB::ErrnoException: Cannot open file /w/store/events.sql: , errno: 2, strerror: No "
            "such file or directory: Cannot parse definition from metadata file /w/store/events.sql. "
            "(FILE_DOESNT_EXIST)",
            "/w/store/events.sql is damaged",
        ),
        (
            "Code: 76. DB::ErrnoException: Cannot open file /w/status: , errno: 13, strerror: Permission "
            "denied. (CANNOT_OPEN_FILE)",
            "this user may not use /w/status",
        ),
    ],
)
def test_damage_and_rights_are_final_and_name_the_file(
    tmp_path: Path, said: str, told: str
) -> None:
    error = open_error(tmp_path, BEFORE + said)
    assert isinstance(error, FolderUnusable)
    assert told in str(error)
    assert "Code:" not in str(error)


@pytest.mark.parametrize(
    "said",
    [
        "Cannot open file /w/x: , errno: 28, No space left on device",
        "errno: 24, strerror: Too many open files",
    ],
)
def test_what_goes_by_itself_may_pass(tmp_path: Path, said: str) -> None:
    assert isinstance(open_error(tmp_path, BEFORE + said), WarehouseUnavailable)


def test_what_the_engine_says_nothing_of_is_damage_unless_another_has_the_folder(
    tmp_path: Path,
) -> None:
    assert isinstance(open_error(tmp_path, BEFORE), FolderUnusable)
    with (tmp_path / "status").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert isinstance(open_error(tmp_path, BEFORE), WarehouseUnavailable)


def test_what_is_printed_is_held_back_and_printed_after_a_good_end(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with captured_stderr() as words:
        os.write(2, b"from C++\n")
        assert capfd.readouterr().err == ""
    assert (words.text, capfd.readouterr().err) == ("", "from C++\n")
    with pytest.raises(ValueError, match="x"), captured_stderr() as words:
        os.write(2, b"the cause\n")
        raise ValueError("x")
    assert (words.text, capfd.readouterr().err) == ("the cause\n", "")


def test_a_process_without_standard_error_opens_its_warehouse_too(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.close(2); sys.stderr = None\n"
        "from pathlib import Path; from pipeline.warehouse.embedded import EmbeddedWarehouse\n"
        "w = EmbeddedWarehouse(Path(sys.argv[1])); print(w.query('SELECT 1').rows)"
    )
    ended = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, check=False)
    assert ended.stdout == b"[(1,)]\n"
