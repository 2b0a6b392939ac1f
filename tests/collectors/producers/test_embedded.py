"""inbox.db: durable, numbered without gaps, shared by processes, and plain about its errors."""

import asyncio
import multiprocessing
import sqlite3
from pathlib import Path

import msgspec
import pytest

from collectors.errors import LogDamaged, LogMismatch, Overloaded
from collectors.producers.embedded import EmbeddedWriter, open_embedded
from schemas.events import Event
from schemas.log_records import Append
from schemas.logfile import INBOX
from schemas.topics import EVENTS, REJECTS

Row = tuple[int, int, int, int, bytes]


def clock() -> int:
    return 1_234


def records(directory: Path) -> list[Row]:
    """(partition number, offset, events, appended_at, value) of each record, as a reader sees it."""
    reader = sqlite3.connect(f"file:{directory / INBOX}?mode=ro", uri=True)
    rows: list[Row] = reader.execute(
        "SELECT id >> 40, id & ((1 << 40) - 1), events, appended_at, value FROM records ORDER BY id"
    ).fetchall()
    reader.close()
    return rows


def partitions(directory: Path) -> list[tuple[int, str, int, int, int]]:
    reader = sqlite3.connect(directory / INBOX)
    rows = reader.execute(
        "SELECT number, topic, partition, next_offset, events FROM partitions ORDER BY number"
    ).fetchall()
    reader.close()
    return rows


def test_a_new_inbox_numbers_its_partitions_and_has_an_id(tmp_path: Path) -> None:
    EmbeddedWriter(tmp_path / "new" / "data", 2, clock).close()
    assert partitions(tmp_path / "new" / "data") == [
        (0, EVENTS.name, 0, 0, 0),
        (1, EVENTS.name, 1, 0, 0),
        (2, REJECTS.name, 0, 0, 0),
        (3, REJECTS.name, 1, 0, 0),
    ]


def test_reopening_keeps_the_id_and_goes_on_counting(tmp_path: Path) -> None:
    ids = []
    for _ in range(2):
        writer = EmbeddedWriter(tmp_path, 1, clock)
        writer.write([Append(EVENTS.name, 0, 3, b"a\nb\nc")])
        writer.close()
        facts = sqlite3.connect(tmp_path / INBOX)
        ids += facts.execute("SELECT value FROM log WHERE key = 'log_id'").fetchone()
        facts.close()
    assert ids[0] == ids[1]
    assert records(tmp_path) == [(0, 0, 3, 1_234, b"a\nb\nc"), (0, 1, 3, 1_234, b"a\nb\nc")]
    assert partitions(tmp_path)[0] == (0, EVENTS.name, 0, 2, 6)


def test_another_partition_count_is_a_clear_error(tmp_path: Path) -> None:
    EmbeddedWriter(tmp_path, 2, clock).close()
    with pytest.raises(LogMismatch, match="made with 2 partitions, not 4"):
        EmbeddedWriter(tmp_path, 4, clock)


def test_a_commit_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    writer = EmbeddedWriter(tmp_path, 1, clock)
    (pages,) = writer._db.execute("PRAGMA page_count").fetchone()
    writer._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Overloaded, match="disk is full"):
        writer.write([Append(EVENTS.name, 0, 1, b"a"), Append(EVENTS.name, 0, 1, bytes(9_000))])
    assert records(tmp_path) == []
    writer.write([Append(EVENTS.name, 0, 1, b"b")])
    assert [row[1] for row in records(tmp_path)] == [0]
    writer.close()


def test_a_locked_inbox_is_overload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.producers.embedded.BUSY_MS", 1)
    writer = EmbeddedWriter(tmp_path, 1, clock)
    other = sqlite3.connect(tmp_path / INBOX, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Overloaded, match="locked"):
        writer.write([Append(EVENTS.name, 0, 1, b"a")])
    other.execute("ROLLBACK")
    writer.write([Append(EVENTS.name, 0, 1, b"a")])
    assert len(records(tmp_path)) == 1
    writer.close()
    other.close()


def test_a_file_that_is_no_inbox_is_damaged_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / INBOX).write_bytes(b"no database" * 1_000)
    with pytest.raises(LogDamaged, match="not a database"):
        EmbeddedWriter(tmp_path, 1, clock)
    assert (tmp_path / INBOX).read_bytes() == b"no database" * 1_000


def test_writes_are_fsynced(tmp_path: Path) -> None:
    writer = EmbeddedWriter(tmp_path, 1, clock)
    assert writer._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert writer._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    writer.close()


def _append(directory: str, name: str, count: int) -> None:
    async def main() -> None:
        producer = await open_embedded(Path(directory), 2, clock)
        for number in range(count):
            event = Event(
                type="track",
                message_id=f"{name}-{number}",
                site="s",
                time=1,
                received_at=1,
                anonymous_id=name,
            )
            await producer.append([event], [])
        await producer.close()

    asyncio.run(main())


def test_several_processes_append_to_one_inbox(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    names = ["collector", "import", "another"]
    processes = [spawn.Process(target=_append, args=(str(tmp_path), n, 30)) for n in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    rows = records(tmp_path)
    for number in range(2):
        offsets = [row[1] for row in rows if row[0] == number]
        assert offsets == list(range(len(offsets)))
    ids = [msgspec.json.decode(row[4], type=Event).message_id for row in rows]
    assert sorted(ids) == sorted(f"{name}-{n}" for name in names for n in range(30))
    mine = [one for one in ids if one.startswith("import")]
    assert mine == [f"import-{n}" for n in range(30)]
