"""Scratch folders: gone at the end, swept after a kill, and nobody else's are touched."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from footfall.processes.scratch import _OWNER, scratch, sweep
from pipeline.folder import lock_folders

HOLD = """
import sys
from pathlib import Path
from footfall.processes.scratch import scratch

with scratch("footfall-x-", Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_a_scratch_folder_is_its_owner_s_alone_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch("footfall-x-", tmp_path) as folder:
        (folder / "log").mkdir()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert names(tmp_path) == []


def test_what_a_killed_run_left_goes_at_the_next_start_and_what_runs_stays(tmp_path: Path) -> None:
    (tmp_path / "footfall-x-of-a-person").mkdir()
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        folder = Path(other.stdout.readline().strip())
        sweep("footfall-x-", tmp_path)
        assert folder.is_dir()
        other.kill()
        other.wait()
    with lock_folders(folder):  # its worker has not ended yet
        sweep("footfall-x-", tmp_path)
        assert folder.is_dir()
    sweep("footfall-x-", tmp_path)
    assert names(tmp_path) == ["footfall-x-of-a-person"]


def test_folders_that_come_and_go_in_somebody_s_folder_disturb_no_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an engine's do, whose worker has outlived its owner."""
    left = tmp_path / "footfall-x-left"
    left.mkdir()
    (left / _OWNER).touch()

    def vanishing(*_: object) -> Iterator[Path]:
        raise FileNotFoundError("tmp_merge_all_1_2_1")
        yield

    monkeypatch.setattr(Path, "rglob", vanishing)
    sweep("footfall-x-", tmp_path)
    assert left.is_dir()
