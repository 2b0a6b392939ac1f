"""What the runner asks of a log beside Faust's consumption.

`tests/conformance/test_logs.py` holds both logs to it. Faust reads and assigns; this writes.
One `Journal` serves all stages of a worker.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import NamedTuple, Protocol

from pipeline.engine.stage import Record
from schemas.log_records import Append


class Delta(NamedTuple):
    """Step 7: offsets lo…applied of a stage's partition are folded in; `body` says how (msgpack).

    A body may be larger than a record. A log with a limit stores it in parts; a delta with a part
    missing (its writer died, or went on after another took over) does not exist.
    """

    lo: int
    applied: int
    body: bytes


class Snapshot(NamedTuple):
    """A stage's whole state at `applied`, in chunks; complete, or it does not exist.

    Chunks are made, or read, one after another as they are asked for: all together may be as large
    as the state. They may be asked for again as long as the state, or the log, is left alone.
    """

    applied: int
    chunks: Iterable[bytes]


class Journal(Protocol):
    """The worker's writing side of a log. Methods are coroutines that never block the loop.

    Raises LogUnavailable where trying again may help.
    """

    log_id: str
    partitions: int

    async def commit(
        self, stage: str, partition: int, outputs: Sequence[Append], delta: Delta
    ) -> None:
        """Steps 6 and 7: append `outputs`, all durable, then the delta; durable when it returns.

        Embedded, both are one transaction. On Kafka a crash may leave outputs without their
        delta; the replay repeats them and readers drop the repeats by origin.
        """

    async def append(self, records: Sequence[Append]) -> None:
        """Append records that belong to no batch (results of deliveries). Durable on return."""

    async def load(
        self, stage: str, partition: int
    ) -> tuple[Snapshot | None, AsyncIterator[Delta]]:
        """Step 1: the newest complete snapshot, and the deltas in log order (all, or those after it)."""

    async def snapshot(self, stage: str, partition: int, snapshot: Snapshot) -> None:
        """Step 8: store a snapshot, then drop deltas and snapshots that it makes needless."""

    async def end(self, topic: str, partition: int) -> int:
        """The offset the next record will get."""

    async def count(self, topic: str, partition: int, start: int) -> int:
        """Events from offset `start` to the end, by the producers' own count."""

    async def read(self, topic: str, partition: int, start: int, limit: int) -> list[Record]:
        """Records from offset `start`, for counting what is in flight and for operators."""

    async def close(self) -> None:
        """Release files and connections."""


class PartitionHooks(Protocol):
    """What a transport asks of the Faust app it serves: the runner's positions, not committed offsets.

    They are methods of the app itself (`pipeline.app.App`), as Faust gives its transports nothing else.
    """

    async def resume_positions(
        self, partitions: set[tuple[str, int]]
    ) -> dict[tuple[str, int], int]:
        """Load what is not loaded and answer the next offset wanted of each (topic, partition).

        Asked after every assignment, and again whenever Faust seeks; asking twice changes nothing.
        """

    async def partitions_revoked(self, partitions: set[tuple[str, int]]) -> None:
        """Finish or drop the batch in flight and forget these partitions' state."""

    def record_damaged(self, text: str) -> None:
        """A record did not come back as it was written; what stands in for it is read instead."""

    def log_failed(self, error: Exception) -> None:
        """The log cannot be read on. It ends the worker, unless the error is Retryable."""
