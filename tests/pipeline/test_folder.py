"""A data folder belongs to one process at a time, whatever became of the one before it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.errors import FolderInUse, FolderUnusable
from pipeline.folder import LOCK, folders, lock_folders
from pipeline.settings import Settings
from schemas.folder_format import FILE
from tests.faults.ground import free_port

HOLD = """
import sys
from pathlib import Path
from pipeline.folder import lock_folders

with lock_folders(*map(Path, sys.argv[1:])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(*places: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds these folders; it ends with the block."""
    command = [sys.executable, "-c", HOLD, *map(str, places)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"held\n"
        yield child
        child.kill()


def test_a_second_process_is_refused_at_once_and_told_who_has_it_since_when(tmp_path: Path) -> None:
    with another_process(tmp_path) as other:
        told = rf"^{tmp_path} is in use by another process \(pid {other.pid} since 20\d\d-.* UTC\)"
        with pytest.raises(FolderInUse, match=told), lock_folders(tmp_path):
            pass


def test_one_folder_of_two_is_enough_and_the_other_is_free_again(tmp_path: Path) -> None:
    log, warehouse = tmp_path / "log", tmp_path / "warehouse"
    with another_process(warehouse):
        with pytest.raises(FolderInUse, match=str(warehouse)), lock_folders(log, warehouse):
            pass
        with another_process(log):
            pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_was_killed_leaves_no_lock(tmp_path: Path, number: signal.Signals) -> None:
    with another_process(tmp_path) as other:
        other.send_signal(number)
        other.wait()
        assert (tmp_path / LOCK).exists()
        with lock_folders(tmp_path):
            assert f"pid {os.getpid()} since" in (tmp_path / LOCK).read_text()


def test_a_process_may_hold_its_folder_twice_and_keeps_it_until_the_last(tmp_path: Path) -> None:
    with lock_folders(tmp_path):
        with lock_folders(tmp_path):
            pass
        with pytest.raises(AssertionError), another_process(tmp_path):
            pass
    with another_process(tmp_path):
        pass


def test_a_child_does_not_go_on_holding_what_its_parent_held(tmp_path: Path) -> None:
    with lock_folders(tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with another_process(tmp_path):
        child.kill()
        child.wait()


def test_a_folder_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for place in (file, file / "below"):
        with pytest.raises(FolderUnusable, match=f"^{place} cannot be used: "), lock_folders(place):
            pass


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with lock_folders(tmp_path / "data" / "warehouse"):
        modes = [oct((tmp_path / "data" / "warehouse").stat().st_mode & 0o777)]
        modes.append(oct((tmp_path / "data" / "warehouse" / LOCK).stat().st_mode & 0o777))
    assert modes == ["0o700", "0o600"]


def test_only_what_is_on_this_machine_has_folders() -> None:
    kafka = Settings({"log": "kafka://a:9092", "warehouse": "clickhouse://b:9000/c"}, {})
    assert folders(kafka) == []
    assert folders(Settings({}, {})) == [Path("data"), Path("data/warehouse")]


@pytest.mark.parametrize(
    ("log", "warehouse"),
    [("log", "other"), ("other", "warehouse"), ("log", "warehouse")],
    ids=["same log", "same warehouse", "both"],
)
@pytest.mark.parametrize("command", ["worker", "up"])
def test_a_second_worker_is_refused_on_any_port_and_changes_nothing(
    tmp_path: Path, command: str, log: str, warehouse: str
) -> None:
    asked = [
        sys.executable,
        "-m",
        "footfall.cli",
        command,
        "--log",
        f"embedded://{tmp_path / log}",
        "--warehouse",
        f"chdb://{tmp_path / warehouse}",
        "--worker-port",
        str(free_port()),
    ]
    with another_process(tmp_path / "log", tmp_path / "warehouse") as other:
        ended = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert re.match(
        rf"footfall: {tmp_path}/\w+ is in use by .*\(pid {other.pid} since", ended.stderr
    )
    assert {path.name for path in tmp_path.glob("*/*")} <= {LOCK, FILE}


def test_a_folder_of_another_version_is_refused_with_its_name_and_left_as_it_is(
    tmp_path: Path,
) -> None:
    (tmp_path / FILE).write_text('{"format": 99, "made_by": "7.1"}')
    told = rf"^{tmp_path} has format 99, made by Footfall '7.1'; Footfall .* reads format 1. Update"
    with pytest.raises(FolderUnusable, match=told), lock_folders(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("text", ["", "{}", "null", '{"format": "1"}', "\ud800"])
def test_a_folder_that_does_not_say_its_version_rightly_is_refused(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogatepass"))
    with (
        pytest.raises(FolderUnusable, match=f"^{tmp_path / FILE} is damaged"),
        lock_folders(tmp_path),
    ):
        pass


def test_a_folder_made_before_there_were_versions_is_of_the_first_one(tmp_path: Path) -> None:
    (tmp_path / "inbox.db").touch()
    with lock_folders(tmp_path):
        assert (tmp_path / FILE).read_text().startswith('{"format":1,"made_by":"0.')
