"""What a statement left behind when it failed is never the next one's answer."""

import random
from pathlib import Path

import pytest

from pipeline.errors import FootfallError
from pipeline.warehouse.chdb_session import connect, run
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.pool import Pool

GOOD = (
    "SELECT {n} AS n",
    "SELECT number FROM numbers({n})",
    "SELECT count() FROM numbers({n})",
    "SELECT {n} LIMIT 0",
    "SELECT toString(number) FROM numbers({n}) ORDER BY number DESC LIMIT 3",
    "SELECT 'a\nb' AS t, {n} AS n",
)
BAD = (
    "SELECT throwIf(number = {n}, 'no') FROM numbers(200000)",
    "SELECT nothing",
    "SELEC {n}",
    "",
    "SELECT number FROM numbers(1048577)",
    "SELECT 1 FORMAT NoSuchFormat",
    "SELECT * FROM no_such_table",
    "SELECT toUInt8(if(number = 150000, 'x', '1')) FROM numbers(200000)",
    "SELECT 1 SETTINGS no_such = 1",
    "SELECT number, intDiv(1, number - {n}) FROM numbers(100000)",
    "SELECT number, throwIf(number = 5000) FROM numbers(6000) SETTINGS max_block_size = 10",
)
FORMATS = ("TSVRaw", "CSV", "JSONCompactEachRow", "Native")


def test_answers_are_those_of_a_fresh_session_whatever_failed_before(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    place = str(tmp_path / "engine")
    kept = connect(place, {})
    settings = {"max_result_rows": 1_000_000}
    pool = Pool(lambda: connect(place, settings), lambda session: session.close())
    failed = 0
    for _ in range(250):
        sql = dice.choice(GOOD if dice.random() < 0.5 else BAD).replace(
            "{n}", str(dice.randint(1, 40))
        )
        fmt = dice.choice(FORMATS)
        try:
            with pool.lease() as session:
                answer = run(session, sql, fmt)
        except FootfallError:
            failed += 1
            continue
        fresh = connect(place, settings)
        assert answer == run(fresh, sql, fmt), (sql, fmt)
        fresh.close()
    pool.close()
    kept.close()
    assert failed > 50


def test_an_insert_that_fails_spoils_no_query(tmp_path: Path) -> None:
    warehouse = EmbeddedWarehouse(tmp_path)
    warehouse.execute("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
    for _ in range(5):
        with pytest.raises(FootfallError):
            warehouse.query("SELECT throwIf(number = 150000) FROM numbers(200000)")
        with pytest.raises(FootfallError):
            warehouse.insert("t", ["n"], [[1, "x"]])
        assert warehouse.query("SELECT 7 AS seven").rows == [(7,)]
    warehouse.insert("t", ["n"], [[1, 2]])
    assert warehouse.query("SELECT n FROM t ORDER BY n").rows == [(1,), (2,)]
    warehouse.close()
