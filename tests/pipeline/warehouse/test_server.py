"""A server that goes away and comes back. What both warehouses do: tests/conformance."""

from collections.abc import Iterator

import pytest

from pipeline.errors import BadSetting, WarehouseUnavailable
from pipeline.warehouse.server import ServerWarehouse
from tests.clickhouse_service.process import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The test service, with a table `t`."""
    with Service(tmp_path_factory.mktemp("clickhouse")) as running:
        warehouse = ServerWarehouse(running.url)
        warehouse.execute(
            "CREATE TABLE t (n Int64) ENGINE = MergeTree ORDER BY n "
            "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
        )
        warehouse.close()
        yield running


@pytest.fixture
def warehouse(service: Service) -> Iterator[ServerWarehouse]:
    """A warehouse with connections of its own and an empty table `t`."""
    opened = ServerWarehouse(service.url)
    opened.execute("TRUNCATE TABLE t")
    yield opened
    opened.close()


def test_what_was_inserted_survives_kill_9(service: Service, warehouse: ServerWarehouse) -> None:
    warehouse.insert("t", ["n"], [[1, 2, 3]])
    service.kill()
    with pytest.raises(WarehouseUnavailable):
        warehouse.insert("t", ["n"], [[4]])
    service.start()
    assert warehouse.query("SELECT arraySort(groupArray(n)) FROM t").rows == [([1, 2, 3],)]


def test_a_dropped_connection_is_retryable_and_the_next_call_connects_again(
    service: Service, warehouse: ServerWarehouse
) -> None:
    warehouse.insert("t", ["n"], [[1]])
    service.leave()
    for _ in ("an open connection", "a new one"):
        with pytest.raises(WarehouseUnavailable):
            warehouse.insert("t", ["n"], [[2]])
    service.come_back()
    warehouse.insert("t", ["n"], [[3]])
    assert warehouse.query("SELECT arraySort(groupArray(n)) FROM t").rows == [([1, 3],)]


def test_raw_is_retryable_too(service: Service, warehouse: ServerWarehouse) -> None:
    service.kill()
    with pytest.raises(WarehouseUnavailable):
        warehouse.raw("SELECT 1", "CSV")
    service.start()
    assert warehouse.raw("SELECT 1", "CSV") == b"1\n"


def test_a_closed_warehouse_is_unavailable(service: Service) -> None:
    warehouse = ServerWarehouse(service.url)
    warehouse.close()
    with pytest.raises(WarehouseUnavailable):
        warehouse.query("SELECT 1")


@pytest.mark.parametrize("url", ["http://host/", "clickhouse:///db", "embedded"])
def test_another_url_is_a_bad_setting(url: str) -> None:
    with pytest.raises(BadSetting, match="clickhouse://"):
        ServerWarehouse(url)


def test_a_url_without_a_host_is_told_without_its_password() -> None:
    with pytest.raises(BadSetting) as told:
        ServerWarehouse("clickhouse://user:s3cret@/db")
    assert "s3cret" not in str(told.value)
