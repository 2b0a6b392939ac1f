"""Both warehouses, held to `pipeline.warehouse.contract`.

The server is the real clickhouse-driver code in front of `tests.clickhouse_service`.
"""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline.errors import WarehouseRefused
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.limits import READ_ROWS
from pipeline.warehouse.migrate import migrate
from pipeline.warehouse.rejects import trim_rejects
from pipeline.warehouse.server import ServerWarehouse
from schemas.rejects import OVERHEAD
from schemas.rows import SOURCE, TABLES, RejectRow, Row, columns_of
from tests.clickhouse_service.process import Service
from tests.pipeline.warehouse.rows import NOON, row, store

HOSTILE = "x'\n\\\t\0é\b') OR 1 -- {a:String} ' \" ` \\' %s"
TYPES = {
    "text": "String",
    "word": "LowCardinality(String)",
    "time": "DateTime64(3, 'UTC')",
    "money": "Decimal(18, 4)",
    "maybe": "Nullable(Bool)",
    "rating": "Nullable(Int32)",
    "words": "Array(LowCardinality(String))",
    "prices": "Array(Decimal(18, 4))",
    "flag": "Bool",
    "big": "UInt64",
    "signed": "Int64",
    "small": "UInt16",
    "share": "Float64",
}
VALUES: dict[str, list[Any]] = {
    "text": [HOSTILE, ""],
    "word": ["shop", HOSTILE],
    "time": [1, 4_102_444_799_999],
    "money": [Decimal("19.99"), Decimal("-1234567890.1234")],
    "maybe": [None, True],
    "rating": [5, None],
    "words": [["a", HOSTILE], []],
    "prices": [[Decimal("0.0001")], []],
    "flag": [True, False],
    "big": [0, 2**64 - 1],
    "signed": [-(2**63), 2**63 - 1],
    "small": [0, 65_535],
    "share": [0.1, 1e-300],
}


@pytest.fixture(scope="module", params=["embedded", "server"])
def warehouse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """Each warehouse in turn, migrated."""
    path = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        embedded = EmbeddedWarehouse(path)
        migrate(embedded)
        yield embedded
        embedded.close()
        return
    with Service(path) as service:
        server = ServerWarehouse(service.url)
        migrate(server)
        yield server
        server.close()


@pytest.fixture
def table(warehouse: Warehouse) -> str:
    """A new table with a column of each type that Footfall uses."""
    name = f"t{uuid.uuid4().hex}"
    columns = ", ".join(f"{column} {kind}" for column, kind in TYPES.items())
    warehouse.execute(f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY tuple()")
    return name


def count(warehouse: Warehouse, table: str) -> int:
    return int(warehouse.query(f"SELECT count() FROM {table}").rows[0][0])


def test_what_is_inserted_is_read_back_as_it_was(warehouse: Warehouse, table: str) -> None:
    warehouse.insert(table, list(VALUES), list(VALUES.values()))
    rows = warehouse.query(f"SELECT * FROM {table} ORDER BY big")
    assert rows.names == tuple(TYPES)
    assert rows.types == tuple(TYPES.values())
    expected = VALUES | {"time": [datetime.fromtimestamp(ms / 1000, UTC) for ms in VALUES["time"]]}
    assert rows.rows == list(zip(*expected.values(), strict=True))


def test_columns_may_be_tuples_and_the_callers_lists_stay_as_they_are(
    warehouse: Warehouse, table: str
) -> None:
    data: list[Any] = [("a", "b"), [Decimal(1), Decimal(2)]]
    warehouse.insert(table, ["text", "money"], data)
    warehouse.insert(table, ["text", "money"], data)
    assert data == [("a", "b"), [Decimal(1), Decimal(2)]]
    total = warehouse.query(f"SELECT sum(money) FROM {table}").rows
    assert total == [(Decimal(6),)]


def test_bytes_that_are_not_utf8_are_kept(warehouse: Warehouse, table: str) -> None:
    warehouse.insert(table, ["text"], [[b"\xff\x00raw", b"{}"]])
    rows = warehouse.query(f"SELECT text FROM {table} ORDER BY text").rows
    assert rows == [("{}",), (b"\xff\x00raw",)]


@pytest.mark.parametrize(
    ("kind", "value", "answer"),
    [
        ("String", HOSTILE, HOSTILE),
        ("Int64", -5, -5),
        ("Float64", 1e-7, 1e-7),
        ("Bool", True, True),
        ("Array(String)", [HOSTILE, "b"], [HOSTILE, "b"]),
        ("Array(Int64)", (1, -2), [1, -2]),
        (
            "DateTime64(3, 'UTC')",
            datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC),
            datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC),
        ),
    ],
)
def test_values_are_bound_by_the_engine(
    warehouse: Warehouse, kind: str, value: object, answer: object
) -> None:
    rows = warehouse.query(f"SELECT {{value:{kind}}} AS answer", {"value": value})
    assert rows.dicts() == [{"answer": answer}]


def test_an_answer_without_rows_still_has_its_columns(warehouse: Warehouse, table: str) -> None:
    rows = warehouse.query(f"-- named\nSELECT text, time FROM {table} WHERE {{no:Bool}}", {"no": 0})
    assert rows == (("text", "time"), ("String", "DateTime64(3, 'UTC')"), [])


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT * FROM no_such_table", "SELECT nothing"])
def test_bad_sql_is_refused(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(WarehouseRefused):
        warehouse.query(sql)
    assert warehouse.query("SELECT 1").rows == [(1,)]


@pytest.mark.parametrize(
    ("column", "value"),
    [("small", 65_536), ("big", -1), ("signed", "1"), ("money", Decimal("1e20")), ("text", None)],
)
def test_a_value_that_does_not_fit_is_refused_and_nothing_is_inserted(
    warehouse: Warehouse, table: str, column: str, value: object
) -> None:
    with pytest.raises(WarehouseRefused):
        warehouse.insert(table, [column], [[VALUES[column][0], value]])
    assert count(warehouse, table) == 0


def test_an_insert_into_a_missing_table_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseRefused):
        warehouse.insert("no_such_table", ["a"], [[1]])


def test_one_insert_may_span_many_months(warehouse: Warehouse) -> None:
    name = f"t{uuid.uuid4().hex}"
    warehouse.execute(
        f"CREATE TABLE {name} (time DateTime64(3, 'UTC')) ENGINE = MergeTree "
        "PARTITION BY toYYYYMM(time) ORDER BY time"
    )
    month = 31 * 86_400_000
    warehouse.insert(name, ["time"], [[946_684_800_000 + month * n for n in range(120)]])
    assert count(warehouse, name) == 120


def test_threads_share_one_warehouse(warehouse: Warehouse, table: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        for _ in range(12):
            threads.submit(warehouse.insert, table, ["small"], [[1, 2]])
    assert count(warehouse, table) == 24


def test_raw_refuses_an_answer_without_end(warehouse: Warehouse) -> None:
    assert warehouse.raw(f"SELECT count() FROM numbers({READ_ROWS + 1})", "TSVRaw")
    with pytest.raises(WarehouseRefused, match="396"):
        warehouse.raw(f"SELECT number FROM numbers({READ_ROWS + 1})", "Null")


def test_raw_answers_in_a_format(warehouse: Warehouse) -> None:
    answer = warehouse.raw("SELECT {a:String} AS a, 1 AS b", "JSONCompact", {"a": HOSTILE})
    assert json.loads(answer)["data"] == [[HOSTILE, 1]]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO {} (small) VALUES (1)",
        "DROP TABLE {}",
        "ALTER TABLE {} DELETE WHERE 1",
        "SELECT 1 SETTINGS readonly = 0",
        "SET readonly = 0",
        "CREATE VIEW v AS SELECT 1",
        "SELECT * FROM url('http://127.0.0.1:9/', 'CSV', 'a String')",
    ],
)
def test_raw_only_reads(warehouse: Warehouse, table: str, sql: str) -> None:
    with pytest.raises(WarehouseRefused):
        warehouse.raw(sql.format(table), "Native")
    assert count(warehouse, table) == 0


@pytest.mark.parametrize("declared", TABLES, ids=lambda table: table.table)
def test_declared_columns_are_the_live_ones(warehouse: Warehouse, declared: type[Row]) -> None:
    live = [row[0] for row in warehouse.query(f"DESCRIBE TABLE {declared.table}").rows]
    assert live[-1] == "inserted_at" or declared.table not in ("events", "outcomes", "forward_sets")
    assert tuple(name for name in live if name != "inserted_at") == (*columns_of(declared), *SOURCE)


def test_the_oldest_rejects_are_deleted_where_there_are_too_many(warehouse: Warehouse) -> None:
    rejects = [
        row(RejectRow, id=f"{n}{HOSTILE}", received_at=NOON + n, cut=False) for n in range(20)
    ]
    store(warehouse, RejectRow, *rejects)
    assert trim_rejects(warehouse, 20 * OVERHEAD) == 0
    assert trim_rejects(warehouse, 10 * OVERHEAD) == 11 * OVERHEAD
    kept = warehouse.query("SELECT received_at FROM rejects FINAL ORDER BY received_at").rows
    assert [int(time.timestamp() * 1000) - NOON for (time,) in kept] == list(range(11, 20))


def test_migrating_again_does_nothing(warehouse: Warehouse) -> None:
    assert migrate(warehouse) == []
