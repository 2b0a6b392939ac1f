"""Processes that end or freeze themselves in the windows that matter."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from collectors.producers.embedded import EmbeddedWriter
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.sink import Sink
from schemas.store_urls import EmbeddedLog, log_url

Strike = Callable[[str], None]


def keep_parts() -> None:
    """Stop the embedded warehouse's merges: they would hide what was inserted twice."""
    opened = EmbeddedWarehouse.__init__

    def init(self: EmbeddedWarehouse, path: Path, *args: Any) -> None:
        opened(self, path, *args)
        self.execute("SYSTEM STOP MERGES")

    _replace(EmbeddedWarehouse, "__init__", init)


class Striker:
    """Sends this process a signal, with given chances at named points of the protocol."""

    def __init__(self, number: signal.Signals, points: str, seed: int) -> None:
        self._signal, self._rng = number, Random(seed * 1_000_003 + os.getpid())
        pairs = (point.partition(":") for point in points.split(","))
        self._chances = {name: float(chance) for name, _, chance in pairs}

    def __call__(self, name: str) -> None:
        """The process is at this point. It freezes once at most: then it may live."""
        if self._rng.random() < self._chances.get(name, 0.0):
            if self._signal == signal.SIGSTOP:
                self._chances.clear()
            os.kill(os.getpid(), self._signal)


def strike_with(strike: Strike, log: str) -> None:
    """Call `strike` at every point; `log` is the log's URL.

    read (before the read-back), rows, stored, outputs, delta (Kafka: the outputs are there),
    committed; append, appended (collector).
    """
    journal, writer = _sides(log)
    _around(Sink, "read_back", strike, "read", "")
    _around(Sink, "write", strike, "rows", "stored")
    _around(writer, "write", strike, "append", "appended")
    _around_async(journal, "commit", strike, "outputs", "committed")
    _around_async(journal, "append", strike, "", "delta")


def _sides(log: str) -> tuple[type, type]:
    """The worker's and the collector's side of a log."""
    if isinstance(log_url(log), EmbeddedLog):
        return EmbeddedJournal, EmbeddedWriter
    from collectors.producers.kafka import KafkaWriter
    from pipeline.engine.transports.kafka_journal import KafkaJournal

    return KafkaJournal, KafkaWriter


def _around(owner: type, name: str, strike: Strike, before: str, after: str) -> None:
    original = getattr(owner, name)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        strike(before)
        answer = original(self, *args, **kwargs)
        strike(after)
        return answer

    _replace(owner, name, call)


def _around_async(owner: type, name: str, strike: Strike, before: str, after: str) -> None:
    original = getattr(owner, name)

    async def call(self: Any, *args: Any) -> Any:
        strike(before)
        answer = await original(self, *args)
        strike(after)
        return answer

    _replace(owner, name, call)


def _replace(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)
