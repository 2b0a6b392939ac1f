"""A world without processes: real runners over a log and a warehouse in memory that outlive them.

Workers die at every step, are paused and continued beside their successors, and batches have other
boundaries in every life. In the end the world must equal one in which nothing happened.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from random import Random
from typing import Any, Final, NamedTuple
from unittest.mock import MagicMock, patch

from msgspec.structs import asdict

from pipeline.engine import batch_queue, batch_writer, fold, partition_task
from pipeline.engine import runner as runner_module
from pipeline.engine.batch_queue import RecordBatch
from pipeline.engine.outputs import records_of
from pipeline.engine.runner import Runner
from pipeline.engine.stage import Emit, Record, Stage
from pipeline.engine.state.deltas import changes_of, restore, settle
from pipeline.engine.state.keyed import State
from pipeline.warehouse.sink import Sink
from schemas.log_records import Append
from schemas.rows import BY_NAME, SOURCE, AccountingRow, RejectRow, columns_of
from tests.faults.memory import Faults, Inline, Killed, MemoryJournal, MemoryLog, MemoryWarehouse

MAX_LIVES: Final = 400
"""A world that needs more lives than this does not go forward."""
ALL: Final = 1 << 40
PATIENCE: Final = 200
"""Turns without progress after which a worker counts as stuck, and is killed."""
PAUSES: Final = ("insert", "inserted", "before outputs", "between outputs", "before delta")
POISON: Final = b"poison"
"""A record with this in it makes a stage raise half-way; it must be as if it never was."""


_faults: ContextVar[Faults] = ContextVar("faults")


class Plan(NamedTuple):
    """What may happen in a world. `atomic`: outputs and delta are one transaction, as embedded."""

    seed: int
    atomic: bool = True
    kill: float = 0.02
    fail: float = 0.02
    zombies: bool = False


class World:
    """What outlives workers, and the chances of their deaths."""

    def __init__(self, stages: Sequence[Stage], records: Iterable[Append], plan: Plan) -> None:
        self.stages, self.plan, self.rng = stages, plan, Random(plan.seed)
        self.log = MemoryLog(partitions=2)
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for record in records:
            self.log.append(record)
        self.lives = 0
        self.is_ahead: Callable[[Record], bool] = lambda record: False

    def run(self) -> None:
        """Live until everything is applied. Batches and snapshots are small, so that all happens."""
        with (
            patch("asyncio.to_thread", _inline),
            silent(),
            patch.object(batch_writer, "RETRY_SECONDS", (0.0,)),
            patch.object(batch_queue, "BATCH_EVENTS", self.rng.choice((1, 4, 12))),
            patch.object(partition_task, "SNAPSHOT_BYTES", self.rng.choice((200, 10_000))),
        ):
            asyncio.run(self._lives())

    async def _lives(self) -> None:
        zombie: Worker | None = None
        while not self.drained():
            self.lives += 1
            if self.lives > MAX_LIVES:
                raise AssertionError(f"no end after {MAX_LIVES} lives: {self.plan}")
            worker = Worker(self, self._faults())
            if self.plan.zombies and zombie is None:
                worker.faults.pause_at = self.rng.choice(PAUSES)
            worker.start()
            if zombie is not None:
                await turns(self.rng.randrange(200))
                zombie.faults.resume.set()
                await turns(self.rng.randrange(100))
                await zombie.die()
            await worker.ended_or_paused()
            zombie = worker if worker.faults.paused.is_set() and zombie is None else None
            if zombie is None:
                await worker.die()
        if zombie is not None:
            await zombie.die()

    def _faults(self) -> Faults:
        return Faults(Random(self.rng.random()), kill=self.plan.kill, fail=self.plan.fail)

    def places(self) -> Iterator[tuple[Stage, int]]:
        """Every partition task."""
        return ((stage, number) for stage in self.stages for number in range(self.log.partitions))

    def applied(self, stage: Stage, partition: int) -> int:
        """How far a partition task's durable state goes."""
        key = (stage.name, partition)
        snapshot = self.log.snapshots.get(key)
        return max(
            snapshot.applied if snapshot else -1, *(d.applied for d in self.log.deltas[key]), -1
        )

    def drained(self) -> bool:
        """Nothing is left to do."""
        return all(
            self.applied(stage, partition) + 1
            == len(self.log.records[stage.source.name, partition])
            for stage, partition in self.places()
        )

    def aside(self) -> set[tuple[Any, ...]]:
        """Where rejects came from."""
        return {_source(row) for row in self.rows[RejectRow.table]}

    async def state(self, stage: Stage, partition: int) -> State:
        """What a new worker would load."""
        journal = MemoryJournal(self.log, Faults(Random(0)), atomic=True)
        state = stage.new_state()
        await restore(state, *await journal.load(stage.name, partition))
        return state


class Worker:
    """One life of a process: a runner per stage, fed from the log in runs of random length."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world, self.faults = world, faults
        journal = MemoryJournal(world.log, faults, atomic=world.plan.atomic)
        sink = Sink(MemoryWarehouse(world.rows, faults), journal.log_id)
        sink._threads = Inline()  # type: ignore[assignment]
        self.runners = {
            stage.name: Runner(stage, journal, sink, MagicMock(), world.is_ahead)
            for stage in world.stages
        }
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to live."""
        _faults.set(self.faults)  # for this task and all that it starts
        self.task = asyncio.create_task(self._live())

    async def ended_or_paused(self) -> None:
        """Wait for death, the end of work, or a pause."""
        assert self.task is not None
        paused = asyncio.create_task(self.faults.paused.wait())
        await asyncio.wait([self.task, paused], return_when=asyncio.FIRST_COMPLETED)
        paused.cancel()

    async def die(self) -> None:
        """End every task; nothing they still try has an effect."""
        self.faults.dead = True
        self.faults.resume.set()
        tasks = [task.running for runner in self.runners.values() for task in runner.tasks.values()]
        tasks.append(self.task)
        for task in filter(None, tasks):
            task.cancel()
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)
        for runner in self.runners.values():
            if runner.failed.done() and not isinstance(runner.failed.exception(), Killed):
                runner.failed.result()

    async def _live(self) -> None:
        for stage, partition in self.world.places():
            await self.runners[stage.name].resume(partition)
        idle = 0
        while idle < PATIENCE and not any(r.failed.done() for r in self.runners.values()):
            idle = 0 if await self._feed() else idle + 1
            await turns(1)
            if self.world.drained():
                return

    async def _feed(self) -> bool:
        """Hand the next records of a random partition task over."""
        stage, partition = self.faults.rng.choice(list(self.world.places()))
        runner = self.runners[stage.name]
        start = runner.tasks[partition].next_offset
        run = self.world.log.read(
            stage.source.name, partition, start, self.faults.rng.randint(1, 6)
        )
        return bool(run) and await runner.feed(partition, RecordBatch(run, lambda: None))


@contextmanager
def silent() -> Iterator[None]:
    """No line of the runners' log."""
    with ExitStack() as patches:
        for module in (runner_module, partition_task, fold, batch_writer):
            patches.enter_context(patch.object(module, "log", MagicMock()))
        yield


async def turns(count: int) -> None:
    """Let every other task go on `count` steps."""
    for _ in range(count):
        await asyncio.sleep(0)


def judge(world: World) -> list[str]:
    """Nothing, or how a drained world differs from one in which nothing happened."""
    quiet = World(world.stages, (), world.plan)
    firsts = {stage.source.name for stage in world.stages[:1]}
    for (topic, _), records in world.log.records.items():
        for record in records if topic in firsts else ():
            quiet.log.append(record)
    states = dict(_undisturbed(quiet))
    wrong = []
    if not world.plan.zombies and (twice := _twice(world)):
        wrong.append(f"{twice} rows are held twice")
    if _poisoned(world) != len(world.aside()):
        wrong.append(f"{len(world.aside())} lines were set aside, not {_poisoned(world)}")
    wanted, got = _content(quiet), _content(world)
    if differing := (wanted - got) + (got - wanted):
        wrong.append(f"rows differ: {sorted(map(repr, differing))[:3]}")
    for (stage, partition), state in states.items():
        if _values(asyncio.run(world.state(stage, partition))) != _values(state):
            wrong.append(f"the state of {stage.name}/{partition} differs")
    return wrong


def calm(stages: Sequence[Stage], records: Iterable[Append]) -> World:
    """A world in which nothing happened: its rows and log hold what the stages say."""
    world = World(stages, records, Plan(0))
    for _ in _undisturbed(world):
        pass
    return world


def _undisturbed(world: World) -> Iterator[tuple[tuple[Stage, int], State]]:
    """Fold every stage's records straight, one batch each, into the world's rows and log."""
    for stage, partition in world.places():
        state, emit = stage.new_state(), Emit(stage.source, partition)
        for record in world.log.read(stage.source.name, partition, 0, ALL):
            emit.begin(record.offset)
            good = [line for line in record.value.split(b"\n") if POISON not in line]
            bad = len(record.value.split(b"\n")) - len(good)
            if good:
                whole = record._replace(value=b"\n".join(good)) if bad else record
                stage.process(state, whole, emit)
            if bad and stage.source in fold.ACCOUNTED_TOPICS:
                emit.row(AccountingRow(declared=bad, rejected=bad))
            state.applied = record.offset
        settle(state, changes_of(state))
        for output in records_of(emit.outputs, world.log.partitions):
            world.log.append(output)
        for table, rows in emit.rows.items():
            fixed = {"log_id": MemoryJournal.log_id, "topic": stage.source.name}
            world.rows[table.table] += [
                {**asdict(row), "offset": offset, "index": index, **fixed, "partition": partition}
                for row, offset, index in rows
            ]
        yield (stage, partition), state


def _source(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in SOURCE)


def _poisoned(world: World) -> int:
    values = (each.value for records in world.log.records.values() for each in records)
    return sum(POISON in line for value in values for line in value.split(b"\n"))


def _twice(world: World) -> int:
    return sum(len(rows) - len({*map(_source, rows)}) for rows in world.rows.values())


def _content(world: World) -> Counter[tuple[Any, ...]]:
    """Rows by their columns alone: on derived topics, repeats shift offsets.

    Where a row is held twice, both copies must agree; then they count once. Rejects are counted
    elsewhere: the quiet world has none.
    """
    distinct = {
        (name, _source(row), tuple(map(_fixed, (row[c] for c in columns_of(BY_NAME[name])))))
        for name, rows in world.rows.items()
        for row in rows
        if name != RejectRow.table
    }
    return Counter((name, values) for name, _, values in distinct)


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _values(state: State) -> dict[str, dict[str, bytes]]:
    return {
        name: dict(table.encoded()) for name, table in state.tables.items() if name != "written"
    }  # the runner's own


async def _inline(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Instead of a thread: with the points where its worker may die or be paused."""
    faults = _faults.get()
    await faults.point("insert")
    answer = function(*args, **kwargs)
    await faults.point("inserted")
    return answer
