"""What a rebuild reads and mends in an embedded log's files, beside folding them again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from pipeline.engine.stage import Record
from pipeline.engine.transports.embedded_file import check, connect, using
from pipeline.engine.transports.embedded_records import Partitions, Reader
from pipeline.errors import Permanent
from schemas import topics
from schemas.log_records import Append
from schemas.logfile import INBOX, OFFSET_BITS, WORK, PartitionRow, checksum
from schemas.ticks import tick_time, without_time

Ticks = Mapping[int, Sequence[tuple[int, int]]]
"""By partition of events: offset and time (ms) of each tick, in order."""

_TICKS = "SELECT id, value FROM records WHERE id >= ? AND id < ? AND events = 0 ORDER BY id"


def ticks_of(folder: Path) -> Ticks:
    """Every tick that the inbox holds."""
    path = folder / INBOX
    with using(path, "read"), closing(connect(path, write=False)) as inbox:
        check(path, inbox)
        partitions = Partitions(path, inbox)
        ticks: dict[int, list[tuple[int, int]]] = {}
        for topic, number in partitions.each():
            if topic == topics.EVENTS.name:
                row = partitions.read(topic, number)
                bounds = row.record_id(0), row.record_id(1 << OFFSET_BITS)
                read = inbox.execute(_TICKS, bounds)
                records = (Record(key - bounds[0], 0, value) for key, value in read)
                ticks[number] = [
                    (r.offset, t) for r in records if (t := tick_time(r.value)) is not None
                ]
        return ticks


def take_out(folder: Path, partition: int, offsets: Sequence[int]) -> None:
    """These ticks of a partition of events move no time any more. Doing it again changes nothing."""
    path = folder / INBOX
    with using(path, "written"), closing(connect(path, write=True)) as inbox:
        row = Partitions(path, inbox).read(topics.EVENTS.name, partition)
        inbox.execute("BEGIN IMMEDIATE")
        for offset in offsets:
            key = row.record_id(offset)
            ((events, appended_at, value),) = inbox.execute(
                "SELECT events, appended_at, value FROM records WHERE id = ?", (key,)
            ).fetchall()
            blank = without_time(value)
            inbox.execute(
                "UPDATE records SET value = ?, checksum = ? WHERE id = ?",
                (blank, checksum((key, events, appended_at), blank), key),
            )
        inbox.execute("COMMIT")


def results_of(folder: Path, after: Path | None) -> tuple[list[Append], bool]:
    """Results of deliveries that work.db has and the restore point `after` has not yet.

    False where not all could be read: then what was delivered may be delivered again.
    """
    ends = _ends(after)
    path = folder / WORK
    results: list[Append] = []
    if not path.exists():
        return results, False
    try:
        with using(path, "read"), closing(connect(path, write=False)) as work:
            reader, partitions = Reader(path, work), Partitions(path, work)
            for topic, number in partitions.each():
                if topic == topics.TRIGGERS.name:
                    row = partitions.read(topic, number)
                    start = max(ends.get(number, 0), row.first_offset)
                    results += _results(reader, row, start)
    except Permanent:
        return results, False
    return results, True


def _results(reader: Reader, row: PartitionRow, start: int) -> Iterator[Append]:
    with closing(reader.records(row.topic, row.partition, start)) as records:
        for record in records:
            if not record.events:  # what the deliverer appends counts no trigger
                yield Append(row.topic, row.partition, 0, record.value)


def _ends(point: Path | None) -> dict[int, int]:
    if point is None:
        return {}
    with closing(connect(point, write=False)) as file:
        partitions = Partitions(point, file)
        return {
            number: partitions.read(topic, number).next_offset
            for topic, number in partitions.each()
            if topic == topics.TRIGGERS.name
        }
