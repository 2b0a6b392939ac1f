"""What of a file's errors passes by itself, and what somebody must mend."""

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from collectors.errors import LogUnusable, Overloaded
from collectors.producers.embedded import EmbeddedWriter
from pipeline import folder
from pipeline.errors import FolderUnusable, LogUnavailable
from schemas.logfile import INBOX, permanent_fault


@pytest.mark.parametrize(
    ("number", "passes"),
    [
        (errno.ENOSPC, True),
        (errno.EDQUOT, True),
        (errno.EMFILE, True),
        (errno.EIO, True),
        (errno.EROFS, False),
        (errno.EACCES, False),
        (errno.ENAMETOOLONG, False),
        (errno.ENOTDIR, False),
        (errno.ELOOP, False),
    ],
    ids=lambda one: errno.errorcode.get(one, str(one)),
)
def test_both_sides_of_the_log_take_an_error_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, passes: bool
) -> None:
    def fails(*given: object, **more: object) -> None:
        raise OSError(number, "as the kernel says")

    monkeypatch.setattr(Path, "mkdir", fails)
    with pytest.raises(Overloaded if passes else LogUnusable, match="as the kernel says"):
        EmbeddedWriter(tmp_path / "log", 1, lambda: 0)
    with pytest.raises(LogUnavailable if passes else FolderUnusable, match="as the kernel says"):
        folder.make(tmp_path / "log")


def test_a_log_that_is_only_not_there_yet_may_come(tmp_path: Path) -> None:
    assert (
        permanent_fault(tmp_path / INBOX, "SQLITE_CANTOPEN", "unable to open database file") == ""
    )


def test_a_busy_file_is_waited_for(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / INBOX)):
        assert permanent_fault(tmp_path / INBOX, "SQLITE_BUSY", "database is locked") == ""
        assert permanent_fault(tmp_path / INBOX, "SQLITE_FULL", "database or disk is full") == ""
