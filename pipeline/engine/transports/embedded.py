"""The embedded log's reading side: a Faust transport on two SQLite files, `embedded:///directory`.

One worker reads all partitions; there is no group and no rebalance. New records are noticed by
SQLite's `data_version`, which changes when another connection commits.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Final, cast

from faust.transport import base
from faust.types import TP

from pipeline.engine.stage import Record
from pipeline.engine.transports.coalesce import runs
from pipeline.engine.transports.contract import PartitionHooks
from pipeline.engine.transports.embedded_file import check, connect
from pipeline.engine.transports.embedded_records import Reader
from pipeline.engine.transports.in_order import InOrder, Producer
from pipeline.errors import LogDamaged, LogUnavailable
from schemas import topics
from schemas.logfile import INBOX, WORK

_POLL_SECONDS: Final = 0.01
_WRITER: Final = {topic.name: topic.writer for topic in topics.ALL}


class _Side:
    """One file, and whether it changed since the last look."""

    def __init__(self, path: Path, on_damage: Callable[[str], None]) -> None:
        self.connection = connect(path, write=False)
        self.facts = check(path, self.connection)
        self.reader = Reader(path, self.connection, on_damage)
        self._version = -1

    def changed(self) -> bool:
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        before, self._version = self._version, version
        return bool(before != version)


class Consumer(InOrder, base.Consumer):
    """Reads every partition of the subscribed topics, from where the runner says."""

    consumer_stopped_errors: ClassVar[tuple[type[BaseException], ...]] = (sqlite3.ProgrammingError,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._directory = Path(self.transport.url[0].path)
        self._sides: dict[str, _Side] = {}
        self._assigned: set[TP] = set()
        self._position: dict[TP, int] = {}
        self._idle: set[TP] = set()

    async def on_start(self) -> None:
        """Open both files; the journal made sure that they exist."""
        on_damage = cast(PartitionHooks, self.app).record_damaged
        self._sides = {
            "collector": _Side(self._directory / INBOX, on_damage),
            "worker": _Side(self._directory / WORK, on_damage),
        }
        await super().on_start()

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Assign in a task of its own: Faust's assignment waits for this call's return."""
        self.add_future(self._assign(sorted(topics)))

    async def _assign(self, names: list[str]) -> None:
        partitions = range(self._partitions())
        assigned = {TP(name, number) for name in names for number in partitions}
        self.app.on_rebalance_start()
        await self.on_partitions_revoked(self._assigned)
        self._assigned = assigned
        self.app.consumer_generation_id = 1
        await self.on_partitions_assigned(assigned, 1)

    def _partitions(self) -> int:
        return int(self._sides["collector"].facts["partitions"])

    async def _getmany(
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109  # Faust's signature
    ) -> Mapping[TP, list[list[Record]]]:
        deadline = self.loop.time() + timeout
        while self.flow_active and not self.should_stop:
            try:
                batches = self._read(sorted(active_partitions or ()))
            except (LogDamaged, LogUnavailable) as error:
                cast(PartitionHooks, self.app).log_failed(error)
                await asyncio.sleep(timeout)
                return {}
            if batches:
                return batches
            if self.loop.time() >= deadline:
                break
            await asyncio.sleep(_POLL_SECONDS)
        return {}

    def _read(self, active: list[TP]) -> dict[TP, list[list[Record]]]:
        for name, side in self._sides.items():
            if side.changed():
                self._idle = {tp for tp in self._idle if _WRITER[tp.topic] != name}
        batches = {}
        for tp in active:
            if tp in self._idle or tp not in self._position:
                continue
            start = self._position[tp]
            reader = self._sides[_WRITER[tp.topic]].reader
            with closing(reader.records(tp.topic, tp.partition, start)) as records:
                run = next(runs(records), None)
            if run:
                self._position[tp] = run[-1].offset + 1
                batches[tp] = [run]
            else:
                self._idle.add(tp)
        return batches

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return True  # positions are the runner's `applied`; Faust's commit is only a gauge

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Ask the runner."""
        positions = await cast(PartitionHooks, self.app).resume_positions(set(self._assigned))
        offsets = {TP(*tp): offset for tp, offset in positions.items()}
        await self.seek_wait(offsets)
        return offsets

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Read on from these offsets."""
        for tp, offset in partitions.items():
            await self._seek(tp, offset)

    async def _seek(self, partition: TP, offset: int) -> None:
        self._position[partition] = offset
        self._read_offset[partition] = offset
        self._idle.discard(partition)

    async def on_stop(self) -> None:
        """Close the files."""
        await super().on_stop()
        for side in self._sides.values():
            side.connection.close()

    def assignment(self) -> set[TP]:
        """Every partition, once subscribed."""
        return self._assigned

    def highwater(self, tp: TP) -> int:
        """The next offset as far as read; Faust only shows it."""
        return self._position.get(tp, 0)

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """See `highwater`."""
        return {tp: self.highwater(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Offsets begin at 0."""
        return dict.fromkeys(partitions, 0)

    async def position(self, tp: TP) -> int | None:
        """The next offset to read."""
        return self._position.get(tp)

    def topic_partitions(self, topic: str) -> int | None:
        """Every topic has as many partitions as the log."""
        return self._partitions()

    def key_partition(
        self, topic: str, key: bytes | None, partition: int | None = None
    ) -> int | None:
        """Collectors choose partitions; Faust asks only for its own tables: there are none."""
        return partition

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    async def create_topic(self, topic: str, *args: Any, **kwargs: Any) -> None:
        """The journal makes the topics."""


class Transport(base.Transport):
    """Registered as `embedded` under Faust's entry point `faust.transports`."""

    Consumer: ClassVar[type] = Consumer
    Producer: ClassVar[type] = Producer
    default_port: ClassVar[int] = 0
    driver_version = f"sqlite={sqlite3.sqlite_version}"
