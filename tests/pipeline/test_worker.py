"""What a worker refuses to start on: a warehouse whose log or whose state is another one."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.engine.transports.contract import Delta
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.errors import FootfallError, LogUnavailable, Permanent, StateDamaged
from pipeline.run_worker import _code
from pipeline.settings import Settings
from pipeline.stores import check_state, open_and_migrate
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.sink import Sink
from schemas.logfile import WORK
from schemas.rows import AccountingRow
from tests.conformance.conftest import EmbeddedLog
from tests.pipeline.warehouse.rows import NOON, row


class Stores:
    """A directory with a log, its state and its warehouse."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        EmbeddedLog(directory)
        self.settings = Settings(
            {"log": f"embedded://{directory}", "warehouse": f"chdb://{directory}/warehouse"}, {}
        )
        self.warehouse: Warehouse = asyncio.run(self._opened())

    async def _opened(self) -> Warehouse:
        journal = EmbeddedJournal(self.directory)
        warehouse = await open_and_migrate(self.settings, journal.log_id)
        await journal.close()
        return warehouse

    def start(self, *, folds: bool = False, dies: bool = False) -> None:
        """A worker's life: it may fold one record, and die after its rows, before its delta."""

        async def life() -> None:
            journal = EmbeddedJournal(self.directory)
            try:
                await check_state(journal, self.warehouse)
                if folds:
                    self.insert(journal.log_id)
                    if not dies:
                        await journal.commit("visits", 0, [], Delta(0, 0, b""))
            finally:
                await journal.close()

        asyncio.run(life())

    def insert(self, log_id: str) -> None:
        books = row(
            AccountingRow,
            time=NOON,
            declared=1,
            stored=1,
            deduplicated=0,
            rejected=0,
            beyond_window=0,
        )
        sink = Sink(self.warehouse, log_id)
        sink.write("footfall-events", 0, {AccountingRow: [(books, 0, 0)]})
        sink.close()

    def lose_state(self) -> None:
        for path in self.directory.glob(f"{WORK}*"):
            path.unlink()


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    opened_stores = Stores(tmp_path)
    yield opened_stores
    opened_stores.warehouse.close()


def test_a_lost_work_db_is_refused_every_time_with_what_to_do(stores: Stores) -> None:
    stores.start(folds=True)
    stores.lose_state()
    for _ in range(2):
        with pytest.raises(
            StateDamaged, match=r"work\.db is new.*Put that back, or run `footfall rebuild`"
        ):
            stores.start()


def test_a_worker_that_died_before_its_first_delta_starts_again(stores: Stores) -> None:
    stores.start(folds=True, dies=True)
    stores.start(folds=True)
    stores.start()


def test_a_new_log_with_a_new_warehouse_starts_and_may_lose_what_it_never_had(
    stores: Stores,
) -> None:
    stores.start()
    stores.lose_state()
    stores.start()


def test_state_that_is_older_than_the_mark_is_known_by_its_deltas(stores: Stores) -> None:
    async def unmarked() -> None:
        journal = EmbeddedJournal(stores.directory)
        stores.insert(journal.log_id)
        await journal.commit("visits", 0, [], Delta(0, 0, b""))
        await journal.close()

    asyncio.run(unmarked())
    stores.start()


def test_another_logs_warehouse_is_refused(stores: Stores) -> None:
    stores.start(folds=True)
    stores.warehouse.close()
    with pytest.raises(StateDamaged, match="belongs to log"):
        asyncio.run(open_and_migrate(stores.settings, "another"))


def ended(failed: BaseException | None) -> tuple[int, str]:
    """The exit code of a worker that failed so, and what is raised for it."""
    try:
        return _code(failed), ""
    except FootfallError as error:
        return 2 if isinstance(error, Permanent) else 1, str(error)


def wrapped(error: Exception, *, cause: bool) -> BaseException:
    try:
        try:
            raise error
        except FootfallError as inner:
            raise RuntimeError("a wrapper") from (inner if cause else None)
    except RuntimeError as outer:
        return outer


def test_a_failure_made_on_purpose_is_told_as_it_is_also_where_faust_wrapped_it() -> None:
    assert ended(None) == (0, "")
    assert ended(StateDamaged("gap")) == (2, "gap")
    assert ended(LogUnavailable("full")) == (1, "full")
    assert ended(wrapped(StateDamaged("gap"), cause=True)) == (2, "gap")


def test_a_bug_is_one_whatever_it_was_in_the_middle_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(wrapped(LogUnavailable("full"), cause=False)) == (1, "")
    assert ended(ZeroDivisionError("oops")) == (1, "")
    assert capsys.readouterr().out.count("worker_failed") == 2
