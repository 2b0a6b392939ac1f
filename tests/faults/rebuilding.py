"""A folder with a log, state and a real warehouse, folded by the product's runners; and its tables."""

import asyncio
import random
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from collectors.producers.embedded import EmbeddedWriter
from footfall.operations import rebuild
from footfall.operations.log_fold import replay
from pipeline.engine.runner import Runner
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.settings import Settings
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.sink import Sink
from schemas import topics
from schemas.events import Event, Feedback
from schemas.log_records import Append
from schemas.rows import BY_NAME, columns_of
from schemas.triggers import DeliveryResult, Trigger
from tests.faults import feeding, traffic

HOOK: Final = {"webhook_url": "http://127.0.0.1:9/hook", "webhook_secret": "whsec_" + "YWJj" * 8}
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode_lines

Tables = dict[str, set[tuple[Any, ...]]]


def settings_of(folder: Path) -> Settings:
    given = {"log": f"embedded://{folder / 'log'}", "warehouse": f"chdb://{folder / 'warehouse'}"}
    return Settings({**given, **HOOK, "lateness": str(30 * 86_400)}, {})


def records(seed: int, events: int) -> list[Append]:
    """Traffic in which some are unhappy, so that there are triggers."""
    rng = random.Random(seed)
    made: list[Append] = []
    for record in feeding.records(traffic.sendings(seed, events), 1):
        made.append(Append(*record))
        if record.events and rng.random() < 0.5:
            named = [one for one in _decode(record.value) if one.identifiers]
            made += [_unhappy(record.partition, one, len(made)) for one in named[:1]]
    return made


def _unhappy(partition: int, one: Event, number: int) -> Append:
    event = Event(
        type="feedback",
        message_id=f"f{number}",
        site=one.site,
        time=one.received_at,
        received_at=one.received_at,
        identifiers=one.identifiers,
        feedback=Feedback("nps", 1),
    )
    return Append(topics.EVENTS.name, partition, 1, _encode(event))


def write(folder: Path, made: Iterable[Append], partitions: int = 1) -> None:
    """With one partition, all is folded in one order, and what is noticed is the same, too."""
    writer = EmbeddedWriter(folder / "log", partitions, lambda: 0)
    writer.write([one._replace(partition=one.partition % partitions) for one in made])
    writer.close()


def fold(folder: Path, *, believes: bool = False, deliver: bool = True) -> None:
    """A worker's life: all there is; then the triggers are delivered, and that is folded.

    `believes`: ticks of the future, as workers once did.
    """
    settings = settings_of(folder)
    warehouse = rebuild._opened(settings)

    async def life() -> None:
        journal = EmbeddedJournal(folder / "log")
        sink = Sink(warehouse, journal.log_id)
        await journal.begin()
        try:
            await replay(journal, _runners(settings, journal, sink, believes), _nobody)
            if deliver:
                await _deliver(journal)
                await replay(journal, _runners(settings, journal, sink, believes), _nobody)
        finally:
            sink.close()
            await journal.close()

    try:
        asyncio.run(life())
    finally:
        warehouse.close()


def _nobody(folded: int, every: int) -> None:
    """Nobody hears it."""


def _runners(
    settings: Settings, journal: EmbeddedJournal, sink: Sink, believes: bool
) -> dict[str, Runner]:
    runners = rebuild._runners(settings, journal, sink)
    for runner in runners.values() if believes else ():
        runner.environment = runner.environment._replace(is_ahead=lambda record: False)
    return runners


async def _deliver(journal: EmbeddedJournal) -> None:
    """Results of all triggers that have none yet, as the deliverer appends them."""
    for partition in range(journal.partitions):
        first = journal._work_partitions.read(topics.TRIGGERS.name, partition).first_offset
        delivered, known = list[str](), set[str]()
        for record in await journal.read(topics.TRIGGERS.name, partition, first, 100_000):
            for line in record.value.split(b"\n"):
                if record.events:
                    delivered.append(msgspec.json.decode(line, type=Trigger).id)
                else:
                    known.add(msgspec.json.decode(line, type=DeliveryResult).trigger_id)
        results = [
            DeliveryResult(trigger_id=trigger_id, attempt=1, time=5, delivered=True, status=200)
            for trigger_id in delivered
            if trigger_id not in known
        ]
        lines = b"\n".join(map(_encode, results))
        if results:
            await journal.append([Append(topics.TRIGGERS.name, partition, 0, lines)])


def asked(folder: Path, ask: Callable[[Warehouse], Any]) -> Any:
    warehouse = rebuild._opened(settings_of(folder))
    try:
        return ask(warehouse)
    finally:
        warehouse.close()


def tables(folder: Path, leave_out: Sequence[str] = ()) -> Tables:
    """Every table as FINAL reads it, by what its rows say."""

    def ask(warehouse: Warehouse) -> Tables:
        return {
            name: {tuple(map(_fixed, row)) for row in _rows(warehouse, name)}
            for name in BY_NAME
            if name not in leave_out
        }

    found: Tables = asked(folder, ask)
    return found


def _rows(warehouse: Warehouse, name: str) -> list[tuple[Any, ...]]:
    columns = [c for c in columns_of(BY_NAME[name]) if c not in ("version", "deleted")]
    names = ", ".join(f"`{column}`" for column in columns)
    return warehouse.query(f"SELECT {names} FROM {name} FINAL").rows


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, symlinks=True)
    return target
