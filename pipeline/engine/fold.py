"""Step 4 of the runner's protocol: a stage's state in one partition, and what records make of it.

A record that makes the stage raise ends the batch before it; alone, it is folded without the lines that
cannot be folded. So a stage's bug stops neither the site nor the other records.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Final

import structlog

from pipeline.engine.stage import Emit, Record, Stage
from pipeline.engine.state.deltas import Changes, changes_of, settle
from pipeline.errors import StageFailed
from schemas import topics
from schemas.rejects import Reason, reject_row
from schemas.rows import AccountingRow
from schemas.ticks import is_tick

log = structlog.get_logger()

YIELD_EVENTS: Final = 1_000
"""Events folded before others on the event loop may go on: some 10 ms."""
ACCOUNTED_TOPICS: Final = (topics.EVENTS, topics.REJECTS)
"""The topics whose records are in the books."""

_UNENCODABLE: Final = (OverflowError, TypeError, ValueError)
"""What encoding state raises for a value that nothing can hold. What the warehouse refuses is no
record's fault: the code made the row, and the worker ends."""


class Fold:
    """The state of one stage in one partition, as far as records are folded and as far as settled."""

    def __init__(self, stage: Stage, partition: int) -> None:
        self.stage, self.partition = stage, partition
        self.state = stage.new_state()
        self._settled: tuple[int, dict[str, tuple[int, int]]] = (-1, {})
        self.entries = 0
        """How many entries of the books the settled records have."""

    @property
    def applied(self) -> int:
        """The offset of the last record whose consequences are durable (−1: none)."""
        return self._settled[0]

    def settle(self, changes: Changes) -> None:
        """What was folded is durable; `changes` are all that it changed."""
        settle(self.state, changes)
        self.loaded()

    def loaded(self) -> None:
        """The state, as it is now, is what durable deltas say."""
        self._settled = (self.state.applied, dict(self.state.seen))
        self.entries = self.state.written.get(AccountingRow.table) or 0

    async def fold(self, records: Sequence[Record]) -> tuple[Emit, Changes, int]:
        """Fold a batch: what it emits and changes, and how many records it took.

        That is all of them, unless one cannot be folded. Raises StageFailed where that is a tick.
        """
        emit, count = await self._process(records)
        try:
            return emit, self._changes(emit), count
        except _UNENCODABLE as error:
            self._roll_back()
            if count > 1:
                return await self.fold(records[: count // 2])
            emit = self._set_aside(records[0], error)
            return emit, self._changes(emit), count

    def pass_over(self, records: Sequence[Record]) -> tuple[Emit, Changes]:
        """Go past records without folding them: nothing is emitted, only `applied` moves."""
        self.state.applied = records[-1].offset
        return Emit(self.stage.source, self.partition), changes_of(self.state)

    async def _process(self, records: Sequence[Record]) -> tuple[Emit, int]:
        emit, events = Emit(self.stage.source, self.partition), 0
        for count, record in enumerate(records):
            events += record.events
            if events >= YIELD_EVENTS:
                events = 0
                await asyncio.sleep(0)
            emit.begin(record.offset)
            try:
                self.stage.process(self.state, record, emit)
            except Exception as error:  # noqa: BLE001  # a stage's bug must not stop the site
                log.error(
                    "record_set_aside",
                    stage=self.stage.name,
                    partition=self.partition,
                    offset=record.offset,
                    error=repr(error),
                )
                self._roll_back()
                if count:
                    return await self._process(records[:count])
                return self._set_aside(record, error), 1
            self.state.applied = record.offset
        return emit, len(records)

    def _changes(self, emit: Emit) -> Changes:
        """What the batch changes, its entries in the books counted with it."""
        if entries := len(emit.rows.get(AccountingRow, ())):
            written = self.state.written.get(AccountingRow.table) or 0
            self.state.written.put(AccountingRow.table, written + entries)
        return changes_of(self.state)

    def _roll_back(self) -> None:
        """Forget what was folded since the state was settled."""
        settled, self.state = self.state, self.stage.new_state()
        self.state.adopt(settled)
        self.state.applied, seen = self._settled
        self.state.seen = dict(seen)

    def _set_aside(self, record: Record, error: Exception) -> Emit:
        """Fold a record without the lines that cannot be folded: those become rejects.

        Called on settled state. Which lines they are depends on state and record alone, so a
        replay sets the same ones aside. Raises StageFailed where one of them is a tick: that is no
        input, and time must not stand still unnoticed.
        """
        lines = [line for line in record.value.split(b"\n") if line.strip()]
        good = self._foldable(record.offset, lines)
        bad = sorted(set(range(len(lines))) - set(good))
        if any(is_tick(lines[number]) for number in bad):
            raise StageFailed(self._failure(record.offset, error)) from error
        emit = Emit(self.stage.source, self.partition)
        emit.begin(record.offset)
        if good:
            remainder = Record(record.offset, len(good), b"\n".join(lines[n] for n in good))
            self.stage.process(self.state, remainder, emit)
        detail = f"{self.stage.name} failed with {type(error).__name__}; the line was set aside."
        source, now = self.stage.source.name, self.state.now
        for number in bad:
            position = f"{self.partition}/{record.offset}#{number}"
            reason = Reason.PROCESSING_FAILED
            emit.row(reject_row(reason, detail, source, position, lines[number], now))
        if self.stage.source in ACCOUNTED_TOPICS:
            emit.row(AccountingRow(declared=len(bad), rejected=len(bad)))
        self.state.applied = record.offset
        return emit

    def _foldable(self, offset: int, lines: list[bytes]) -> list[int]:
        """Which lines the stage folds, one after another, with consequences that can be encoded."""
        good: list[int] = []
        for number in range(len(lines)):
            together = b"\n".join(lines[n] for n in (*good, number))
            emit = Emit(self.stage.source, self.partition)
            emit.begin(offset)
            try:
                self.stage.process(self.state, Record(offset, len(good) + 1, together), emit)
                changes_of(self.state)
                good.append(number)
            except Exception as error:  # noqa: BLE001  # looking for the line that does this
                log.error(
                    "line_set_aside",
                    stage=self.stage.name,
                    partition=self.partition,
                    offset=offset,
                    line=number,
                    kind=type(error).__name__,
                )
            self._roll_back()
        return good

    def _failure(self, offset: int, error: Exception) -> str:
        """Where in the log and where in the code; not what the error says, which may be content."""
        frames = extract_tb(error.__traceback__)
        where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        return (
            f"{self.stage.name} fails with {type(error).__name__}{where} at the tick of "
            f"{self.stage.source.name}/{self.partition}, offset {offset}. This is a fault of "
            f"Footfall's own: report it. The log keeps what comes; nothing is lost."
        )
