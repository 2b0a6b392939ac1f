"""A log is compared with what was acknowledged."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from collectors.producers.embedded import EmbeddedWriter
from footfall.bench import logged
from footfall.bench.compare import BenchError
from pipeline.settings import Settings
from schemas import topics
from schemas.events import Event, tick
from schemas.log_records import Append

RUN = "0a1b2c3d"


def line(number: int, run: str = RUN) -> bytes:
    name = f"ajs-next-{run}-{number:012d}"
    return msgspec.json.encode(Event(type="page", message_id=name, site="s", time=1, received_at=1))


def check(
    folder: Path, lines: Sequence[bytes], events: int, starts: Sequence[int] = (0, 0)
) -> None:
    """Write `lines`, in turn to two partitions and each in a record, and compare."""
    writer = EmbeddedWriter(folder, 2, lambda: 1)
    writer.write([Append(topics.EVENTS.name, n % 2, 1, each) for n, each in enumerate(lines)])
    writer.close()
    settings = Settings({"log": f"embedded://{folder}", "partitions": "2"}, env={})
    asyncio.run(logged.check(settings, list(starts), RUN, events))


def test_each_event_once_is_what_is_wanted(tmp_path: Path) -> None:
    check(tmp_path, [line(1), line(0), msgspec.json.encode(tick(5)), line(2)], 3)


def test_an_acknowledged_event_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="1 of 3 acknowledged"):
        check(tmp_path, [line(0), line(2)], 3)


@pytest.mark.parametrize("more", [line(0), line(3), line(0, "ffffffff")])
def test_an_event_that_is_too_many_is_told(tmp_path: Path, more: bytes) -> None:
    with pytest.raises(BenchError, match=r"twice|nobody sent"):
        check(tmp_path, [line(0), line(1), line(2), more], 3)


def test_what_was_there_before_is_not_looked_at(tmp_path: Path) -> None:
    check(tmp_path, [line(0, "ffffffff"), line(1, "ffffffff"), line(0)], 1, starts=(1, 1))
