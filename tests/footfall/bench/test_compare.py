"""The benchmark's logs, and what a measurement leaves."""

import asyncio
from pathlib import Path

import pytest

from footfall.bench import compare
from footfall.bench.compare import FLOOR, KINDS, BenchError, Kind
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from schemas import topics
from schemas.logfile import INBOX


async def counted(folder: Path) -> int:
    journal = EmbeddedJournal(folder)
    try:
        name = topics.EVENTS.name
        return sum([await journal.count(name, at, 0) for at in range(journal.partitions)])
    finally:
        await journal.close()


def test_a_filled_log_declares_every_event(tmp_path: Path) -> None:
    compare.fill(tmp_path, 501, 200)
    assert asyncio.run(counted(tmp_path)) == 501


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_can_be_measured(tmp_path: Path, kind: Kind) -> None:
    compare.fill(tmp_path / f"log-{kind.per_record}", 1_000, kind.per_record)
    measured = compare._run(tmp_path, kind, 1_000)
    assert measured.events == 1_000
    assert measured.seconds > 0


def test_a_measurement_that_fails_says_why(tmp_path: Path) -> None:
    log = tmp_path / f"log-{FLOOR.per_record}"
    log.mkdir()
    (log / INBOX).write_bytes(b"no database")
    with pytest.raises(BenchError, match="floor failed"):
        compare._run(tmp_path, FLOOR, 1)
