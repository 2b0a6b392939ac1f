"""A record's part of the books, and its lines as events."""

import msgspec

from pipeline.engine.stage import Emit, Record
from pipeline.stages.ndjson import decode_lines
from schemas import topics
from schemas.events import Event
from schemas.rejects import unreadable_row
from schemas.rows import AccountingRow

STORED, STORED_BEYOND_WINDOW, REPEATED = 1, 2, 3
"""What became of an event: stored; stored, though it may repeat one that is forgotten; a repeat."""

_decoder = msgspec.json.Decoder(Event)


class Accounting:
    """Counts per site. `declared` lines that cannot be read are booked without a site."""

    def __init__(self, declared: int) -> None:
        self._unread = declared
        self._sites: dict[str, list[int]] = {}  # newest, stored, stored beyond the window, repeated
        self.rejected = 0

    def count(self, event: Event, result: int) -> None:
        """Count one event: STORED, STORED_BEYOND_WINDOW or REPEATED."""
        sums = self._sites.get(event.site)
        if sums is None:
            sums = self._sites[event.site] = [0, 0, 0, 0]
        if event.received_at > sums[0]:  # noqa: PLR1730  # max() is slow for every event
            sums[0] = event.received_at
        sums[result] += 1
        self._unread -= 1

    def close(self, emit: Emit) -> None:
        """Emit one row per site."""
        for site, (newest, fresh, beyond, repeated) in self._sites.items():
            stored = fresh + beyond
            emit.row(
                AccountingRow(
                    site=site,
                    time=newest,
                    declared=stored + repeated,
                    stored=stored,
                    deduplicated=repeated,
                    beyond_window=beyond,
                )
            )
        if self._unread or self.rejected:
            emit.row(AccountingRow(declared=self._unread, rejected=self.rejected))


def read_events(record: Record, emit: Emit, accounting: Accounting, now: int) -> list[Event]:
    """A record's events; each line that is none becomes a reject."""

    def reject(_: int, line: bytes, error: Exception) -> None:
        emit.row(unreadable_row(line, error, topics.EVENTS.name, now))
        accounting.rejected += 1

    return decode_lines(_decoder, record.value, reject)
