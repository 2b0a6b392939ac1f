"""The table of rejects within its limit, on the real engine."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sql
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.migrate import migrate
from pipeline.warehouse.rejects import RETAINED_SHARE, trim_rejects
from schemas.rejects import OVERHEAD
from schemas.rows import AccountingRow, RejectRow, Row
from tests.pipeline.warehouse.rows import NOON, row, store

COST = OVERHEAD + 1_000


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[EmbeddedWarehouse]:
    """A warehouse of this test's own: the limit is for all rejects there are."""
    opened = EmbeddedWarehouse(tmp_path)
    migrate(opened)
    yield opened
    opened.close()


def reject(number: int, **more: Any) -> Row:
    values = {"id": f"r{number:03}", "reason": "bad_json", "body": "x" * 1_000, "cut": False}
    return row(RejectRow, **(values | {"received_at": NOON + number // 3} | more))


def ids(warehouse: EmbeddedWarehouse) -> list[str]:
    rows = warehouse.query("SELECT id FROM rejects FINAL ORDER BY id").rows
    return [one for (one,) in rows]


def mixed(warehouse: EmbeddedWarehouse, junk: str) -> None:
    """Ten of worth, then thirty of `junk` that came later."""
    old = {"received_at": NOON - 86_400_000}
    senders = ["server", "webhook", "import", "worker"] * 3
    worthy = [reject(n, id=f"good{n}", sender=senders[n], **old) for n in range(9)]
    timeless = reject(9, id="good9", sender="worker", received_at=0)
    store(warehouse, RejectRow, *worthy, timeless)
    store(warehouse, RejectRow, *(reject(n, sender=junk) for n in range(30)), offset=1)


@pytest.mark.parametrize("junk", ["", "page"])
def test_what_anybody_can_send_pushes_out_nothing_of_worth(
    junk: str, warehouse: EmbeddedWarehouse
) -> None:
    mixed(warehouse, junk)
    trim_rejects(warehouse, 20 * COST)
    assert ids(warehouse) == [
        *(f"good{n}" for n in range(10)),
        *(f"r{n:03}" for n in range(22, 30)),
    ]


def test_strangers_go_before_pages_and_the_oldest_last_of_all(
    warehouse: EmbeddedWarehouse,
) -> None:
    mixed(warehouse, "page")
    strangers = [reject(n, id=f"junk{n}", sender="") for n in range(10)]
    store(warehouse, RejectRow, *strangers, offset=2)
    trim_rejects(warehouse, 46 * COST)
    assert Counter(one[:1] for one in ids(warehouse)) == {"g": 10, "j": 1, "r": 30}
    trim_rejects(warehouse, 10 * COST)
    assert ids(warehouse) == [f"good{n}" for n in range(1, 10)]


def test_within_the_limit_nothing_is_deleted(warehouse: EmbeddedWarehouse) -> None:
    store(warehouse, RejectRow, *map(reject, range(10)))
    assert trim_rejects(warehouse, 10 * COST) == 0
    assert len(ids(warehouse)) == 10


def test_over_it_the_oldest_go_until_nine_tenths_are_left(warehouse: EmbeddedWarehouse) -> None:
    for part in range(4):
        numbers = range(part * 10, part * 10 + 10)
        store(warehouse, RejectRow, *map(reject, numbers), offset=part)
    freed = trim_rejects(warehouse, 20 * COST)
    kept = round(20 * RETAINED_SHARE)
    assert ids(warehouse) == [f"r{number:03}" for number in range(40 - kept, 40)]
    assert freed == (40 - kept) * COST
    assert trim_rejects(warehouse, 20 * COST) == 0


def test_rejects_of_one_moment_do_not_all_go_together(warehouse: EmbeddedWarehouse) -> None:
    rejects = [reject(number, received_at=NOON) for number in range(30)]
    store(warehouse, RejectRow, *rejects)
    trim_rejects(warehouse, 20 * COST)
    assert len(ids(warehouse)) == round(20 * RETAINED_SHARE)


def test_rejects_without_a_body_count_too(warehouse: EmbeddedWarehouse) -> None:
    store(warehouse, RejectRow, *(reject(number, body="") for number in range(30)))
    assert trim_rejects(warehouse, 20 * OVERHEAD) == 12 * OVERHEAD


def test_what_is_deleted_is_no_longer_on_the_disk(warehouse: EmbeddedWarehouse) -> None:
    store(warehouse, RejectRow, *map(reject, range(20)))
    trim_rejects(warehouse, 10 * COST)
    parts = "SELECT sum(rows) FROM system.parts WHERE table = 'rejects' AND active"
    assert warehouse.query(parts).rows == [(9,)]


def test_the_books_balance_whatever_was_deleted(warehouse: EmbeddedWarehouse) -> None:
    store(warehouse, RejectRow, *map(reject, range(30)))
    books = row(
        AccountingRow, time=0, declared=30, stored=0, deduplicated=0, rejected=30, beyond_window=0
    )
    store(warehouse, AccountingRow, books)
    before = warehouse.query(sql.load("queries/books")).rows
    assert trim_rejects(warehouse, COST) > 0
    assert warehouse.query(sql.load("queries/books")).rows == before
    assert warehouse.query(sql.load("queries/books")).dicts()[0]["difference"] == 0


def test_hostile_ids_are_bound(warehouse: EmbeddedWarehouse) -> None:
    hostile = [reject(n, id=f"{n:02}') OR 1=1 --", received_at=NOON) for n in range(30)]
    store(warehouse, RejectRow, *hostile)
    trim_rejects(warehouse, 20 * COST)
    assert len(ids(warehouse)) == round(20 * RETAINED_SHARE)
