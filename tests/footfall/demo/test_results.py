"""The demonstration's questions, asked of a real warehouse with a handful of rows."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from footfall.demo import results
from footfall.demo.evaluation import Flag
from footfall.processes.stack import SITE
from footfall.processes.worker_client import WorkerClient
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.migrate import migrate
from schemas.identifiers import person_id
from schemas.rows import (
    SOURCE,
    AccountingRow,
    AssertionRow,
    CycleRow,
    EventRow,
    FlagRow,
    IdentityRow,
    Row,
    columns_of,
)

NOON = 1_780_056_000_000
DAY = 86_400_000


class LocalWorkerClient(WorkerClient):
    """A WorkerClient on a warehouse in this process."""

    def __init__(self, warehouse: EmbeddedWarehouse) -> None:
        super().__init__("")
        self.warehouse = warehouse

    def query(self, sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self.warehouse.query(sql, params).dicts()

    def insert(self, table: type[Row], offset: int, **values: Any) -> None:
        row = dict.fromkeys(columns_of(table), "") | {"site": SITE} | values
        source = dict(zip(SOURCE, ("log", "topic", 0, offset, 0), strict=True))
        whole = row | source
        self.warehouse.insert(table.table, list(whole), [[value] for value in whole.values()])


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkerClient]:
    folder: Path = tmp_path_factory.mktemp("found")
    warehouse = EmbeddedWarehouse(folder / "warehouse")
    migrate(warehouse)
    yield LocalWorkerClient(warehouse)
    warehouse.close()


def test_the_books_are_summed_and_the_rows_counted(worker: LocalWorkerClient) -> None:
    counts = {"declared": 3, "stored": 1, "deduplicated": 1, "rejected": 1, "beyond_window": 0}
    worker.insert(AccountingRow, 1, time=NOON, **counts)
    worker.insert(AccountingRow, 1, time=NOON, **counts)  # a replay's repeat
    worker.insert(AccountingRow, 2, time=NOON, **counts)
    worker.insert(AccountingRow, 3, time=NOON, **counts, site="elsewhere")
    books = results.event_counts(worker)
    assert books == {
        "declared": 6,
        "stored": 2,
        "deduplicated": 2,
        "rejected": 2,
        "rows": 0,
    }


def test_only_breaks_are_flags(worker: LocalWorkerClient) -> None:
    numbers = {"expected": 0.8, "observed": 0.0, "views": 19, "failed_views": 19}
    flag = {"page": "/checkout", "device_class": "mobile", **numbers}
    worker.insert(FlagRow, 1, time=NOON, state="broke", **flag)
    worker.insert(FlagRow, 2, time=NOON + 1, state="recovered", **flag)
    assert results.flags(worker) == [Flag("/checkout", "mobile", NOON)]


def test_due_are_cycles_that_are_due_or_late_by_user_id(worker: LocalWorkerClient) -> None:
    person = person_id(SITE, "user_id:c1")
    worker.insert(
        IdentityRow,
        1,
        identifier="user_id:c1",
        person_id=person,
        canonical="user_id:c1",
        version=1,
    )
    dates = {"last_purchase": NOON, "due_at": NOON, "late_at": NOON, "lapsed_at": NOON}
    numbers = {"person_id": person, "purchases": 4, "interval_days": 9.5, "deleted": 0}
    states = [("tea", "waiting", 1), ("tea", "due", 2), ("mug", "lapsed", 3), ("cup", "late", 4)]
    for product, state, version in states:
        worker.insert(
            CycleRow,
            version,
            product_id=product,
            state=state,
            version=version,
            **dates,
            **numbers,
        )
    assert results.due(worker) == {("c1", "tea"), ("c1", "cup")}


def test_a_device_belongs_to_whoever_had_it_last(worker: LocalWorkerClient) -> None:
    people = {name: person_id(SITE, f"user_id:{name}") for name in ("ann", "bob")}
    for version, (name, person) in enumerate(people.items()):
        identifier = f"user_id:{name}"
        worker.insert(
            IdentityRow,
            10 + version,
            identifier=identifier,
            person_id=person,
            canonical=identifier,
            version=version,
        )
        seen = {"device": "d1", "time": NOON + version, "message_id": name}
        worker.insert(AssertionRow, 20 + version, identifier=identifier, **seen)
        times = {"corrected_time": NOON, "received_at": NOON, "opt_out": False}
        worker.insert(EventRow, 30 + version, type="page", **seen, **times)
    people_found = results.people(worker)
    assert people_found["user_id:ann"] == people["ann"]
    assert people_found["device:d1"] == people["bob"]
