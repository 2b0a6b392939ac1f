"""Processes that end themselves, by SIGKILL, in the windows that matter."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from collectors.embedded_producer import EmbeddedWriter
from pipeline.transports.embedded_journal import EmbeddedJournal
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.sink import Sink

Strike = Callable[[str], None]


def keep_parts() -> None:
    """Stop the embedded warehouse's merges: they would hide what was inserted twice."""
    opened = EmbeddedWarehouse.__init__

    def init(self: EmbeddedWarehouse, path: Path, *args: Any) -> None:
        opened(self, path, *args)
        self.execute("SYSTEM STOP MERGES")

    _replace(EmbeddedWarehouse, "__init__", init)


def crash(points: str, seed: int) -> None:
    """SIGKILL this process with the given chance at each named point.

    read (before the read-back), rows, stored, outputs, committed; append, appended (collector).
    """
    chances = {name: float(chance) for name, _, chance in _pairs(points)}
    rng = Random(seed * 1_000_003 + os.getpid())

    def strike(name: str) -> None:
        if rng.random() < chances.get(name, 0.0):
            os.kill(os.getpid(), signal.SIGKILL)

    _around(Sink, "read_back", strike, "read", "")
    _around(Sink, "write", strike, "rows", "stored")
    _around(EmbeddedWriter, "write", strike, "append", "appended")
    commit = EmbeddedJournal.commit

    async def struck(self: EmbeddedJournal, *args: Any) -> None:
        strike("outputs")
        await commit(self, *args)
        strike("committed")

    _replace(EmbeddedJournal, "commit", struck)


def _pairs(points: str) -> list[tuple[str, str, str]]:
    return [point.partition(":") for point in points.split(",")]


def _around(owner: type, name: str, strike: Strike, before: str, after: str) -> None:
    original = getattr(owner, name)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        strike(before)
        answer = original(self, *args, **kwargs)
        strike(after)
        return answer

    _replace(owner, name, call)


def _replace(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)
