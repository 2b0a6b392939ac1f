"""Plays page outcomes through the stage, and makes streams with known shares."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from random import Random
from typing import Any

import msgspec
from msgspec.structs import asdict

from pipeline.engine.stage import Emit, Output, Record
from pipeline.engine.state.keyed import State
from pipeline.stages.dropoff.stage import Dropoff
from schemas import topics
from schemas.outcomes import PageOutcome
from schemas.rows import FlagRow, Row, SourcedRow
from tests.bench.sites import DAY, HOUR_MS, MINUTE, START

__all__ = ["DAY", "HOUR_MS", "MINUTE", "START", "Play", "checkout", "views"]

_encode = msgspec.json.Encoder().encode_lines


class Play:
    """A stage with its state and everything it emitted."""

    def __init__(self, stage: Dropoff | None = None) -> None:
        self.stage = stage or Dropoff()
        self.state: State = self.stage.new_state()
        self.outputs: list[Output] = []
        self.rows: dict[type[Row], list[SourcedRow]] = {}

    def records(self, records: Iterable[Record]) -> "Play":
        """Fold records in, one emit for all."""
        emit = Emit(topics.PAGES, 0)
        for record in records:
            emit.begin(record.offset)
            self.stage.process(self.state, record, emit)
        self.outputs += emit.outputs
        for table, rows in emit.rows.items():
            self.rows.setdefault(table, []).extend(rows)
        return self

    def play(self, outcomes: Iterable[PageOutcome], size: int = 50) -> "Play":
        """Fold outcomes in, `size` per record."""
        stream = iter(outcomes)
        batches = iter(lambda: list(islice(stream, size)), [])
        return self.records(
            Record(offset, len(batch), _encode(batch)) for offset, batch in enumerate(batches)
        )

    def flags(self) -> list[dict[str, Any]]:
        """FLAGS rows by column name."""
        return [asdict(row) for row, _, _ in self.rows.get(FlagRow, [])]

    def settle(self) -> dict[str, dict[str, bytes]]:
        """What deltas would hold, taken over as a restart would: encoded, live values gone."""
        stored = {}
        fresh = self.stage.new_state()
        for name, table in self.state.tables.items():
            table.settle(table.changes())
            stored[name] = {key: bytes(value) for key, value in table.encoded().items()}
            fresh.tables[name].load(stored[name])
        fresh.seen = dict(self.state.seen)
        self.state = fresh
        return stored


def checkout(
    time: int, forward_now: bool, device: str = "mobile", page: str = "/checkout", **changes: Any
) -> PageOutcome:
    """An attempt in a declared funnel."""
    steps = ("/payment",) if forward_now else ("/cart",)
    return msgspec.structs.replace(
        PageOutcome(
            site="shop",
            page=page,
            time=time,
            decided_at=time + 30 * MINUTE,
            device_class=device,
            next=steps,
            forward=forward_now,
        ),
        **changes,
    )


def views(
    begin: int, hours: float, per_hour: int, shares: dict[str, float], seed: int = 1
) -> Iterator[PageOutcome]:
    """Attempts at /checkout evenly in time, devices in turn, each with its share going on."""
    roll = Random(seed)
    devices: Sequence[str] = sorted(shares)
    for n in range(int(hours * per_hour)):
        device = devices[n % len(devices)]
        yield checkout(begin + n * HOUR_MS // per_hour, roll.random() < shares[device], device)
