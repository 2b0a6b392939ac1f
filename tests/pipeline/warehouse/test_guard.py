"""Somebody else's SQL reads tables and nothing else."""

import pytest

from pipeline.errors import WarehouseRefused
from pipeline.warehouse.contract import Warehouse

ESCAPES = [
    "SELECT file('/etc/hostname')",
    "SELECT `file`('/etc/hostname')",
    "SELECT file /* a */ ('/etc/hostname')",
    "SELECT arrayMap(file, ['/etc/hostname'])",
    "SELECT arrayMap(x -> file(x), ['/etc/hostname'])",
    "SELECT * APPLY file FROM (SELECT '/etc/hostname')",
    "SELECT 1 AS `'`, file('/etc/hostname') AS `'`",
    "SELECT 'it\\'s', file('/etc/hostname'), '\\''",
    "EXPLAIN SELECT file('/etc/hostname')",
    "SELECT 1 INTO OUTFILE '/tmp/footfall-escaped'",
    "SELECT 1 UNION ALL (SELECT 2) INTO OUTFILE '/tmp/footfall-escaped'",
    "DESCRIBE (SELECT 1) INTO OUTFILE '/tmp/footfall-escaped' TRUNCATE",
    "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    "SELECT * FROM `/etc/hostname`",
    "SELECT * FROM url('http://127.0.0.1:9/', 'CSV', 'a String')",
    "SELECT * FROM executable('id', 'CSV', 'a String')",
    "SELECT * FROM filesystem('/etc')",
    "SELECT aiGenerate('x')",
    "SYSTEM STOP MERGES",
    "KILL QUERY WHERE 1",
    "USE system",
    "SET max_memory_usage = 0",
    "SELECT 1; SELECT 2",
    "SELECT 1 SETTINGS max_execution_time = 0",
    "INSERT INTO events (site) VALUES ('x')",
    "CREATE FUNCTION f AS x -> x",
    "TRUNCATE TABLE events",
    "",
]


@pytest.mark.parametrize("sql", ESCAPES)
def test_what_reaches_out_is_refused(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(WarehouseRefused):
        warehouse.raw(sql, "CSV")


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT 1", b"1\n"),
        ("-- a comment\n(SELECT 1) UNION ALL (SELECT 2);", b"1\n2\n"),
        ("WITH 1 AS a SELECT a", b"1\n"),
        ("FROM numbers(2) SELECT number", b"0\n1\n"),
        ("SELECT 'file(1) INTO OUTFILE' AS profile", b'"file(1) INTO OUTFILE"\n'),
        ("EXISTS TABLE events", b"1\n"),
        ("SELECT 1 FORMAT JSONEachRow", b'{"1":1}\n'),
    ],
)
def test_what_reads_is_run(warehouse: Warehouse, sql: str, answer: bytes) -> None:
    assert warehouse.raw(sql, "CSV") == answer


def test_show_and_describe_are_run(warehouse: Warehouse) -> None:
    assert b"events" in warehouse.raw("SHOW TABLES", "CSV")
    assert b"message_id" in warehouse.raw("DESCRIBE events", "CSV")
