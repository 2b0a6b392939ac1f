"""A record's part of the books, and its lines as events."""

import msgspec

from pipeline.engine.stage import Emit, Record
from pipeline.stages.ndjson import decode_lines
from schemas import topics
from schemas.events import Event
from schemas.rejects import unreadable_row
from schemas.rows import AccountingRow

STORED, STORED_BEYOND_WINDOW, REPEAT = 1, 2, 3
"""What became of an event: it was stored; stored, though it may repeat a forgotten one; or a repeat."""

_decoder = msgspec.json.Decoder(Event)


class Accounting:
    """Counts events by site. Of the `declared` ones, those that cannot be read belong to no site."""

    def __init__(self, declared: int) -> None:
        self._unread = declared
        self._sites: dict[str, list[int]] = {}  # newest, stored, stored beyond the window, repeats
        self.rejected = 0

    def count(self, event: Event, result: int) -> None:
        """Count one event: STORED, STORED_BEYOND_WINDOW or REPEAT."""
        sums = self._sites.get(event.site)
        if sums is None:
            sums = self._sites[event.site] = [0, 0, 0, 0]
        if event.received_at > sums[0]:  # noqa: PLR1730  # max() is slow for every event
            sums[0] = event.received_at
        sums[result] += 1
        self._unread -= 1

    def close(self, emit: Emit) -> None:
        """Emit one row per site."""
        for site, (newest, fresh, beyond, repeats) in self._sites.items():
            stored = fresh + beyond
            emit.row(
                AccountingRow(
                    site=site,
                    time=newest,
                    declared=stored + repeats,
                    stored=stored,
                    deduplicated=repeats,
                    beyond_window=beyond,
                )
            )
        if self._unread or self.rejected:
            emit.row(AccountingRow(declared=self._unread, rejected=self.rejected))


def read_events(record: Record, emit: Emit, accounting: Accounting, now: int) -> list[Event]:
    """A record's events; each line that cannot be read becomes a reject."""

    def reject(_: int, line: bytes, error: Exception) -> None:
        emit.row(unreadable_row(line, error, topics.EVENTS.name, now))
        accounting.rejected += 1

    return decode_lines(_decoder, record.value, reject)
