"""`footfall rebuild` brings back what the log holds: to the row what an undisturbed run has."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from footfall.operations import rebuild as shell
from footfall.operations.rebuild import look, run
from pipeline.clock import wall
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.engine.transports.embedded_points import applied_in, make_point, points
from pipeline.errors import BadSetting, StateDamaged
from pipeline.maintenance import _keep_points, _restorable
from pipeline.recovery import rebuild as steps
from pipeline.recovery.rebuild import NOTE, refuse_unfinished
from pipeline.settings import Settings
from pipeline.warehouse.contract import Warehouse
from schemas import topics
from schemas.events import tick
from schemas.log_records import Append
from tests.faults.rebuilding import (
    Tables,
    asked,
    copy,
    fold,
    records,
    settings_of,
    tables,
    write,
)

MADE = records(5, 300)
HALF = len(MADE) // 2
READERS = {
    "footfall-customers": "people",
    "footfall-pages": "dropoff",
    "footfall-triggers": "delivery",
}
DAY = 86_400_000


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tables]:
    """A stopped stack, and what is in its warehouse."""
    folder = tmp_path_factory.mktemp("origin") / "all"
    write(folder, MADE)
    fold(folder)
    found = tables(folder)
    assert min(map(len, (found["sessions"], found["outcomes"], found["deliveries"]))) > 1
    return folder, found


def rebuilt(folder: Path) -> tuple[int, str]:
    outcome = run(settings_of(folder), look(settings_of(folder)), lambda folded, every: None)
    return outcome.missing, outcome.aside


def gone(folder: Path) -> None:
    shutil.rmtree(folder / "warehouse")


def emptied(folder: Path) -> None:
    asked(folder, lambda warehouse: warehouse.execute("TRUNCATE TABLE events"))


def no_database(folder: Path) -> None:
    for path in (folder / "warehouse").rglob("*"):
        if path.is_file():
            path.write_bytes(b"\0" * path.stat().st_size)


def no_state(folder: Path) -> None:
    (folder / "log" / "work.db").write_bytes(b"no state")


@pytest.mark.parametrize("damage", [gone, emptied, no_database])
def test_from_a_whole_log_everything_comes_back(
    tmp_path: Path, origin: tuple[Path, Tables], damage: Callable[[Path], None]
) -> None:
    folder = copy(origin[0], tmp_path / "all")
    damage(folder)
    assert rebuilt(folder)[0] == 0
    assert tables(folder) == origin[1]
    fold(folder, deliver=False)  # the worker goes on, and nothing comes twice
    assert tables(folder) == origin[1]


def test_with_several_partitions_too_but_for_what_was_noticed_when(tmp_path: Path) -> None:
    """In which order a person's facts of two partitions came together is in no log."""
    folder, unordered = tmp_path / "all", ("triggers", "deliveries")
    write(folder, MADE, partitions=2)
    fold(folder)
    right = tables(folder, unordered)
    gone(folder)
    rebuilt(folder)
    assert tables(folder, unordered) == right


def test_without_state_too_but_for_what_webhooks_answered(
    tmp_path: Path, origin: tuple[Path, Tables]
) -> None:
    folder = copy(origin[0], tmp_path / "all")
    no_state(folder)
    assert not look(settings_of(folder)).plan.results_whole
    rebuilt(folder)
    found = tables(folder)
    assert found.pop("deliveries") == set()
    assert found == {name: rows for name, rows in origin[1].items() if name != "deliveries"}


@pytest.fixture(scope="module")
def shortened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tables]:
    """A stack whose log begins with its restore point."""
    folder = tmp_path_factory.mktemp("shortened") / "all"
    write(folder, MADE[:HALF])
    fold(folder, deliver=False)
    point = make_point(folder / "log", READERS, 1_000)
    asyncio.run(_expire(folder, dict(applied_in(point.path))))
    write(folder, MADE[HALF:])
    fold(folder)
    return folder, tables(folder)


async def _expire(folder: Path, applied: dict[tuple[str, int], int]) -> None:
    journal = EmbeddedJournal(folder / "log")
    reads = {"visits": "footfall-events", **{stage: topic for topic, stage in READERS.items()}}
    for (stage, partition), last in applied.items():
        if stage in reads:
            await journal.expire(
                reads[stage], partition, last + 1, wall() + DAY, 10**6, wall() + DAY
            )
    await journal.close()


def rows_lost(folder: Path) -> None:
    """What an engine may lose whose parts are damaged: new rows, and the newer of two versions."""

    def lose(warehouse: Warehouse) -> None:
        for table in ("events", "outcomes", "sessions", "cycles", "identities", "books"):
            half = f"offset > (SELECT quantileExact(0.7)(offset) FROM {table})"
            warehouse.execute(f"OPTIMIZE TABLE {table} FINAL")
            warehouse.execute(
                f"ALTER TABLE {table} DELETE WHERE {half} SETTINGS mutations_sync = 1"
            )

    asked(folder, lose)


@pytest.mark.parametrize("damage", [rows_lost, no_state])
def test_from_a_restore_point_what_came_after_it_comes_back(
    tmp_path: Path, shortened: tuple[Path, Tables], damage: Callable[[Path], None]
) -> None:
    folder = copy(shortened[0], tmp_path / "all")
    damage(folder)
    assert look(settings_of(folder)).plan.point == "restore-1000.db"
    assert rebuilt(folder) == (0, "")
    leave_out = ["deliveries"] if damage is no_state else []
    right = {name: rows for name, rows in shortened[1].items() if name not in leave_out}
    assert tables(folder, leave_out) == right


def test_what_was_before_the_restore_point_is_counted_where_it_is_lost(
    tmp_path: Path, shortened: tuple[Path, Tables]
) -> None:
    folder = copy(shortened[0], tmp_path / "all")
    first = "ALTER TABLE events DELETE WHERE offset <= 3 SETTINGS mutations_sync = 1"
    asked(folder, lambda warehouse: warehouse.execute(first))
    lost = len(shortened[1]["events"]) - len(tables(folder)["events"])
    assert lost > 0
    assert rebuilt(folder) == (lost, "")


def test_time_that_a_fast_clock_spoilt_is_mended(
    tmp_path: Path, origin: tuple[Path, Tables]
) -> None:
    """The ticks were folded by a worker that believed them; rebuilt, it is as if they never were."""
    folder, made = tmp_path / "all", list(MADE)
    for place in (HALF, HALF + 1):
        ahead = msgspec.json.encode(tick(wall() - DAY))  # in the past, far ahead of the traffic
        made.insert(place, Append(topics.EVENTS.name, 0, 0, ahead))
    write(folder, made)
    fold(folder, believes=True)
    assert tables(folder)["outcomes"] != origin[1]["outcomes"]
    found = look(settings_of(folder))
    assert [len(stretch.offsets) for stretch in found.ahead] == [2]
    rebuilt(folder)
    fold(folder)  # some triggers are told only now
    assert tables(folder) == origin[1]
    assert look(settings_of(folder)).ahead == []


def test_it_is_told_first_and_nothing_is_changed(
    tmp_path: Path, origin: tuple[Path, Tables]
) -> None:
    folder = copy(origin[0], tmp_path / "all")
    before = {path: path.read_bytes() for path in (folder / "log").glob("*.db")}
    look(settings_of(folder))
    assert {path: path.read_bytes() for path in (folder / "log").glob("*.db")} == before
    assert tables(folder) == origin[1]


STEPS: list[tuple[Any, str]] = [
    (shell, "_opened"),
    (steps, "put_back"),
    (steps, "sync"),
    (EmbeddedJournal, "append_once"),
    (EmbeddedJournal, "commit"),
    (shell, "_roll_up"),
    (steps, "finish"),
]


@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_it_goes_on_wherever_it_was_cut_short(
    tmp_path: Path, origin: tuple[Path, Tables], owner: Any, name: str
) -> None:
    folder = copy(origin[0], tmp_path / "all")
    gone(folder)
    for calls in (1, 2):
        with pytest.MonkeyPatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(owner, name, _cut_short(getattr(owner, name), calls))
            rebuilt(folder)
    if (folder / "log" / NOTE).exists():
        rebuilt(folder)
    assert tables(folder) == origin[1]


def _cut_short(function: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """Its n-th call is the last thing that happens."""
    left = [calls]

    def call(*args: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return function(*args, **named)

    return call


def test_no_worker_starts_on_half_a_rebuild(tmp_path: Path) -> None:
    refuse_unfinished(tmp_path)
    (tmp_path / NOTE).touch()
    with pytest.raises(StateDamaged, match="go on with `footfall rebuild --yes`"):
        refuse_unfinished(tmp_path)


def test_on_kafka_it_says_what_to_do_instead() -> None:
    with pytest.raises(BadSetting, match="stop the workers, delete the topics"):
        look(Settings({"log": "kafka://localhost:9092"}, {}))


def test_two_restore_points_are_kept_and_a_wrong_clock_stops_none(
    tmp_path: Path, origin: tuple[Path, Tables]
) -> None:
    folder = copy(origin[0], tmp_path / "all") / "log"
    runners: Any = {
        topic: SimpleNamespace(stage=SimpleNamespace(name=stage))
        for topic, stage in READERS.items()
    }
    for now in (1, 2 * DAY, 3 * DAY, 40 * 365 * DAY, 5 * DAY, 8 * DAY):
        _keep_points(folder, runners, now, 3 * DAY)
    assert [point.time_ms // DAY for point in points(folder)] == [5, 8]
    assert _restorable(folder) == applied_in(points(folder)[0].path)
