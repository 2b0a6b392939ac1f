"""Does a log hold exactly the events that a collector has promised?"""

from typing import Final

import msgspec

from footfall.bench.compare import BenchError
from footfall.bench.traffic import number_of
from pipeline.engine.transports.contract import Journal
from pipeline.settings import Settings
from pipeline.stores import open_journal
from schemas import topics

_AT_ONCE: Final = 100


class _Named(msgspec.Struct):
    message_id: str


_named: Final = msgspec.json.Decoder(_Named)


async def ends(settings: Settings) -> list[int]:
    """The offset of each partition's next record of events."""
    journal = await open_journal(settings)
    try:
        return [await journal.end(topics.EVENTS.name, at) for at in range(journal.partitions)]
    finally:
        await journal.close()


async def check(settings: Settings, starts: list[int], run: str, events: int) -> None:
    """Raise BenchError unless the log, from `starts` on, has each of a run's `events` once."""
    journal = await open_journal(settings)
    occurrences = bytearray(events)
    try:
        for partition, start in enumerate(starts):
            await _mark(journal, partition, start, run, occurrences)
    finally:
        await journal.close()
    if missing := occurrences.count(0):
        raise BenchError(f"{missing} of {events} acknowledged events are not in the log.")


async def _mark(
    journal: Journal, partition: int, start: int, run: str, occurrences: bytearray
) -> None:
    while records := await journal.read(topics.EVENTS.name, partition, start, _AT_ONCE):
        start = records[-1].offset + 1
        for event in _named.decode_lines(b"\n".join(record.value for record in records)):
            number = number_of(event.message_id, run)
            if number is None:
                if event.message_id:  # a tick has no name
                    raise BenchError(f"The log holds {event.message_id!r}, which nobody sent.")
            elif number >= len(occurrences) or occurrences[number]:
                raise BenchError(f"Event {number} is in the log and was not sent, or is twice.")
            else:
                occurrences[number] = 1
