"""An import from end to end: file → units → admission → log, in big batches."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct, field

from collectors import admission, limits
from collectors.dialects.contract import Refused, Request
from collectors.enrichment import PLAIN, Enricher
from collectors.errors import Overloaded
from collectors.importing import bodies
from collectors.importing.mapping import Mapping
from collectors.importing.progress import PositionFile
from collectors.importing.row_locator import Places
from collectors.importing.rows import Table, Unit, Unreadable
from collectors.producers.base import Producer
from schemas.keys import OPEN
from schemas.rejects import Reason, Reject

BATCH_ITEMS: Final = 2_000
BATCH_BYTES: Final = 1024 * 1024
ATTEMPTS: Final = 30
PAUSE_SECONDS: Final = 1.0
"""A log that cannot take more now is asked again this often, with this pause."""


class Summary(Struct):
    """What an import came to. `resumed` units were durable before and were not sent again."""

    lines: int = 0
    events: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    seconds: float = 0.0


class Batch(NamedTuple):
    """Units that are made durable together. `last` counts the file's units up to its end; `rows`
    are where the items stand in the file."""

    last: int
    lines: int
    items: list[bytes]
    rows: list[int]


async def run(
    path: Path,
    mapping: Mapping,
    producer: Producer,
    clock: Callable[[], int],
    position: PositionFile,
    progress: Callable[[Summary], None] = lambda summary: None,
    enricher: Enricher = PLAIN,
) -> Summary:
    """Import one file, then write the time to the log, so that its events have their effects.

    `progress` hears after every batch. Raises FileError, and Overloaded where the log stays away.
    """
    start = perf_counter()
    summary = Summary(resumed=position.read())
    table = _table(path, mapping)
    source = _Source(path, mapping, enricher)
    for batch in batches(table.units, mapping):
        if batch.last > summary.resumed:
            await _write(source.admit(batch), producer, summary)
            position.write(batch.last)
        summary.lines += batch.lines
        summary.seconds = perf_counter() - start
        progress(summary)
    await _write(source.refuse(table.unreadable), producer, summary)
    summary.lines += len(table.unreadable)
    await producer.tick(clock())
    position.forget()
    summary.seconds = perf_counter() - start
    return summary


def _table(path: Path, mapping: Mapping) -> Table:
    from collectors.importing import tables  # and Arrow: 60 MB that only an import needs

    return tables.read(path, mapping)


def batches(units: Iterable[Unit], mapping: Mapping) -> Iterator[Batch]:
    """Units as JSON, in batches that the same file and mapping always cut the same way."""
    make, encode = bodies.maker(mapping), msgspec.json.Encoder().encode
    items: list[bytes] = []
    rows: list[int] = []
    last = lines = size = 0
    for last, unit in enumerate(units, 1):
        for body, row in make(unit):
            items.append(encode(body))
            rows.append(row)
            size += len(items[-1])
        lines += unit.lines
        if len(items) >= BATCH_ITEMS or size >= BATCH_BYTES:
            yield Batch(last, lines, items, rows)
            items, rows, lines, size = [], [], 0, 0
    if items or lines:
        yield Batch(last, lines, items, rows)


class _Source:
    """A file as the sender of requests.

    They are received when the file was last changed, so that importing it again gives the same
    rejects.
    """

    def __init__(self, path: Path, mapping: Mapping, enricher: Enricher) -> None:
        self._name, self._site, self._places = path.name, mapping.site, Places(path, mapping)
        self._enricher = enricher
        self._path = bodies.PATH[mapping.kind]
        self._received_at = path.stat().st_mtime_ns // 1_000_000

    def admit(self, batch: Batch) -> admission.Admission:
        """As if its items had been posted together. Rejects say where in the file they stand."""
        body = {"batch": [msgspec.Raw(item) for item in batch.items], "writeKey": self._site}
        request = self._request(msgspec.json.encode(body), batch.last)
        keys = {self._site: OPEN._replace(site=self._site)}
        admitted = admission.admit(request, keys, enricher=self._enricher)
        rejects = [self._placed(entry, batch.rows) for entry in admitted.rejects]
        return admitted._replace(rejects=rejects)

    def _placed(self, reject: Reject, rows: list[int]) -> Reject:
        """A reject's id ends with its item's number."""
        row = rows[int(reject.id.rpartition("-")[2])]
        detail = f"{self._places(row)}: {reject.detail}"[: limits.REJECT_DETAIL]
        return msgspec.structs.replace(reject, detail=detail, sender="import")

    def refuse(self, lines: list[Unreadable]) -> admission.Admission:
        """Lines of the file that are not even rows."""
        rejects = [
            admission.rejected(
                self._request(line.text.encode(), -number),
                Refused(Reason.BAD_SHAPE, f"{self._places(line.row)}: {line.text}"),
                site=self._site,
                sender="import",
            )
            for number, line in enumerate(lines, 1)
        ]
        return admission.Admission(200, [], rejects)

    def _request(self, body: bytes, location: int) -> Request:
        source = f"{self._site}\n{self._name}\n{location}"
        nonce = blake2b(source.encode(), digest_size=10).hexdigest()
        return Request(self._path, "", {}, body, self._received_at, nonce)


async def _write(admitted: admission.Admission, producer: Producer, summary: Summary) -> None:
    for attempt in range(ATTEMPTS):
        try:
            await producer.append(admitted.events, admitted.rejects)
            break
        except Overloaded:
            if attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
    summary.events += len(admitted.events)
    summary.rejects.update(reject.reason.value for reject in admitted.rejects)
