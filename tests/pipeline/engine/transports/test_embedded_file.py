"""What a disk did to the log's files is told: where, and what to do about it."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from collectors.errors import CollectorError, LogDamaged, LogMismatch
from collectors.producers.embedded import EmbeddedWriter
from pipeline import errors
from pipeline.engine.stage import Record
from pipeline.engine.transports.contract import Delta, Snapshot
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from schemas.log_records import Append
from schemas.logfile import DAMAGED, INBOX, WORK
from schemas.topics import CUSTOMERS, EVENTS

T = TypeVar("T")
DAY = 86_400_000
NOW = 100 * DAY


def append(folder: Path, *times: int) -> None:
    """A record at each time."""
    clock = iter(times)
    writer = EmbeddedWriter(folder, 1, lambda: next(clock))
    for number in range(len(times)):
        writer.write([Append(EVENTS.name, 0, 2, b"a%d\nb%d" % (number, number))])
    writer.close()


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()


def with_journal(folder: Path, use: Callable[[EmbeddedJournal], Awaitable[T]]) -> T:
    async def run() -> T:
        journal = EmbeddedJournal(folder)
        try:
            return await use(journal)
        finally:
            await journal.close()

    return asyncio.run(run())


def read(folder: Path, topic: str = EVENTS.name) -> list[Record]:
    return with_journal(folder, lambda journal: journal.read(topic, 0, 0, 10))


@pytest.mark.parametrize(
    "column", ["events = 9", "appended_at = 9", "value = x'6131'", "checksum = 9"]
)
def test_a_damaged_record_of_the_inbox_is_marked_line_by_line(tmp_path: Path, column: str) -> None:
    append(tmp_path, 1, 2, 3)
    change(tmp_path / INBOX, f"UPDATE records SET {column} WHERE id = 1")
    first, second, third = read(tmp_path)
    assert (first, third) == (Record(0, 2, b"a0\nb0"), Record(2, 2, b"a2\nb2"))
    assert all(line.startswith(DAMAGED) for line in second.value.split(b"\n"))
    assert second.events == second.value.count(b"\n") + 1


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_record_that_is_gone_is_told_wherever_it_was(tmp_path: Path, gone: int) -> None:
    append(tmp_path, 1, 2, 3)
    change(tmp_path / INBOX, f"DELETE FROM records WHERE id = {gone}")
    records = read(tmp_path)
    assert records[gone].value == DAMAGED + b"record %d of footfall-events/0 is gone" % gone
    assert [record.offset for record in records] == [0, 1, 2]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE partitions SET next_offset = 2",
        "UPDATE partitions SET events = 0",
        "DELETE FROM partitions WHERE number = 0",
        "UPDATE log SET value = '2' WHERE key = 'partitions'",
        "DELETE FROM log WHERE key = 'log_id'",
        "ALTER TABLE records RENAME TO secords",
        "DROP TABLE partitions",
    ],
)
def test_collector_and_worker_refuse_an_inbox_that_is_not_what_it_was(
    tmp_path: Path, statement: str
) -> None:
    append(tmp_path, 1, 2, 3)
    change(tmp_path / INBOX, statement)
    with pytest.raises(errors.LogDamaged, match=r"inbox\.db is damaged: .*from a copy"):
        read(tmp_path)
    with pytest.raises(LogDamaged, match=r"inbox\.db is damaged: .*from a copy"):
        EmbeddedWriter(tmp_path, 1, lambda: 0)


def test_a_log_that_lost_its_newest_records_is_refused(tmp_path: Path) -> None:
    append(tmp_path, 1)
    older = (tmp_path / INBOX).read_bytes()
    append(tmp_path, 2)
    (tmp_path / INBOX).write_bytes(older)
    with pytest.raises(errors.LogDamaged, match="ends at offset 1, but went to 2"):
        read(tmp_path)
    with pytest.raises(CollectorError, match="ends at offset 1, but went to 2"):
        EmbeddedWriter(tmp_path, 1, lambda: 0)


def test_files_without_checksums_are_refused_with_what_to_do(tmp_path: Path) -> None:
    change(tmp_path / INBOX, "CREATE TABLE records (id INTEGER PRIMARY KEY, value BLOB)")
    with pytest.raises(errors.BadSetting, match="older version"):
        read(tmp_path)
    with pytest.raises(LogMismatch, match="older version"):
        EmbeddedWriter(tmp_path, 1, lambda: 0)


def made(folder: Path) -> None:
    append(folder, 1)

    async def use(journal: EmbeddedJournal) -> None:
        for at in range(4):
            outputs = [Append(CUSTOMERS.name, 0, 1, b"%d" % at)]
            await journal.commit("people", 0, outputs, Delta(at, at, b"delta"))
        await journal.snapshot("people", 0, Snapshot(1, [b"one", b"two", b"three"]))

    with_journal(folder, use)


async def loaded(journal: EmbeddedJournal) -> None:
    snapshot, deltas = await journal.load("people", 0)
    assert snapshot is not None
    assert list(snapshot.chunks) == [b"one", b"two", b"three"]
    assert [delta.applied async for delta in deltas] == [2, 3]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET value = x'00' WHERE id = (SELECT max(id) FROM records)",
        "DELETE FROM records WHERE id = (SELECT max(id) FROM records)",
        "UPDATE deltas SET body = x'00' WHERE id = 3",
        "UPDATE deltas SET applied = 9 WHERE id = 3",
        "UPDATE snapshots SET body = x'00' WHERE chunk = 1",
        "DELETE FROM snapshots WHERE chunk = 0",
        "DELETE FROM snapshots WHERE chunk = 2",
    ],
)
def test_damage_of_what_the_worker_wrote_ends_it_and_names_the_way_out(
    tmp_path: Path, statement: str
) -> None:
    made(tmp_path)
    change(tmp_path / WORK, statement)
    with pytest.raises(errors.LogDamaged, match=r"work\.db is damaged.*footfall rebuild"):
        with_journal(tmp_path, loaded)
        read(tmp_path, CUSTOMERS.name)


def test_old_records_go_whatever_a_wrong_clock_wrote_on_them(tmp_path: Path) -> None:
    """One of 1970 takes no younger one with it; one of 2038 stays no longer than those behind it."""
    old, far = NOW - 9 * DAY, 70 * 365 * DAY
    append(tmp_path, old, far, old, old, 0, NOW, far, 0, NOW)

    def expire(journal: EmbeddedJournal) -> Awaitable[int]:
        return journal.expire(EVENTS.name, 0, 9, NOW - 7 * DAY, 100, NOW)

    assert with_journal(tmp_path, expire) == 5
    assert with_journal(tmp_path, expire) == 0
    with pytest.raises(errors.LogDamaged, match="offset 0 of footfall-events/0 is wanted"):
        read(tmp_path)
    rest = with_journal(tmp_path, lambda journal: journal.read(EVENTS.name, 0, 5, 10))
    assert [record.offset for record in rest] == [5, 6, 7, 8]
