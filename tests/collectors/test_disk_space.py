"""A collector leaves room on its disk: below the reserve it takes nothing, and says why."""

import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.errors import Overloaded
from collectors.producers import embedded
from collectors.producers.embedded import EmbeddedWriter
from schemas.log_records import Append
from schemas.topics import EVENTS

RECORD = [Append(EVENTS.name, 0, 1, b"a")]
Usage = namedtuple("Usage", "total used free")


class Disk:
    """Stands in for `shutil.disk_usage`."""

    def __init__(self) -> None:
        self.free, self.looks = 1_000, 0

    def usage(self, path: Path) -> Usage:
        self.looks += 1
        return Usage(10_000, 0, self.free)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(shutil, "disk_usage", made.usage)
    monkeypatch.setattr(embedded, "monotonic", iter(range(1_000)).__next__)
    return made


def refused(write: Callable[[], None]) -> bool:
    try:
        write()
    except Overloaded as error:
        assert "kept free: nothing is taken" in str(error)
        return True
    return False


def test_nothing_is_taken_below_the_reserve_until_a_quarter_more_is_free(
    disk: Disk, tmp_path: Path
) -> None:
    writer = EmbeddedWriter(tmp_path, 1, lambda: 0, reserve=1_000)
    answers = []
    for free in (1_000, 999, 1_000, 1_249, 1_250, 1_000):
        disk.free = free
        answers.append(refused(lambda: writer.write(RECORD)))
    writer.close()
    assert answers == [False, True, True, True, False, False]


def test_the_disk_is_looked_at_once_a_second(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "monotonic", lambda: 7.0)
    writer = EmbeddedWriter(tmp_path, 1, lambda: 0, reserve=1_000)
    for _ in range(50):
        writer.write(RECORD)
    writer.close()
    assert disk.looks == 1


def test_an_inbox_is_not_made_on_a_disk_without_room(disk: Disk, tmp_path: Path) -> None:
    assert refused(lambda: EmbeddedWriter(tmp_path, 1, lambda: 0, reserve=1_001).close())
