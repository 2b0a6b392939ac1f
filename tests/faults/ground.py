"""What a stack under fire stands on: a log and a warehouse, and how far the stages are, as durable.

This one is the embedded log with chDB; see `tests.faults.kafka_ground` for the other.
"""

import socket
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from pipeline.flow import FLOW


class Position(NamedTuple):
    """How far a stage is in one partition: the log's next offset, and what is applied for good."""

    end: int
    applied: int

    @property
    def lag(self) -> int:
        """Records that are in the log but not in the stage's state."""
        return max(0, self.end - 1 - self.applied)


Progress = Mapping[tuple[str, int], Position]
"""By stage and partition."""


class Ground(Protocol):
    """A log and a warehouse."""

    @property
    def settings(self) -> Mapping[str, str]:
        """`FOOTFALL_…` of collector and workers."""

    def progress(self) -> Progress:
        """Of every stage whose topic there is; what was known last while the log is away."""

    def close(self) -> None:
        """End what was started; the warehouse's directory can be opened afterwards."""


class EmbeddedGround:
    """Two SQLite files and a chDB directory, below `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "FOOTFALL_LOG": f"embedded://{self._directory}",
            "FOOTFALL_WAREHOUSE": f"chdb://{self._directory / 'warehouse'}",
        }

    def progress(self) -> Progress:
        inbox, work = self._directory / "inbox.db", self._directory / "work.db"
        ends = _query(inbox, _ENDS) | _query(work, _ENDS)
        applied = _query(work, _APPLIED)
        return {
            (spec.agent, partition): Position(end, applied.get((spec.agent, partition), -1))
            for spec in FLOW
            for (topic, partition), end in ends.items()
            if topic == spec.reads.name
        }

    def close(self) -> None:
        """Nothing was started."""


_ENDS = "SELECT topic, partition, next_offset FROM partitions"
_APPLIED = """
SELECT stage, partition, max(applied) FROM (
    SELECT stage, partition, applied FROM deltas
    UNION ALL SELECT stage, partition, applied FROM snapshots
) GROUP BY stage, partition"""


def _query(path: Path, sql: str) -> dict[tuple[str, int], int]:
    """Rows (text, number, number); none while the file or its tables are not there yet."""
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    except sqlite3.OperationalError:
        return {}
    try:
        return {(name, number): value for name, number, value in database.execute(sql)}
    except sqlite3.OperationalError:
        return {}
    finally:
        database.close()


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
