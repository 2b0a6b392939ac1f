"""What only the embedded warehouse has to hold. What both do: tests/conformance."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import WarehouseUnavailable
from pipeline.warehouse.embedded import EmbeddedWarehouse

INSERT_FOR_EVER = """
import sys
from pathlib import Path
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.migrate import migrate

warehouse = EmbeddedWarehouse(Path(sys.argv[1]))
migrate(warehouse)
n = 0
while True:
    warehouse.insert("identities", ["site", "identifier"], [["s"] * 10, [f"{n}.{i}" for i in range(10)]])
    print(n, flush=True)
    n += 1
"""


def test_what_was_inserted_survives_kill_9(tmp_path: Path) -> None:
    command = [sys.executable, "-c", INSERT_FOR_EVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        acknowledged = [int(child.stdout.readline()) for _ in range(5)]
        child.kill()
        acknowledged += [int(line) for line in child.stdout if line.endswith("\n")]
    warehouse = EmbeddedWarehouse(tmp_path)
    rows = warehouse.query("SELECT identifier FROM identities FINAL").rows
    warehouse.close()
    found = {identifier for (identifier,) in rows}
    assert {f"{n}.{i}" for n in acknowledged for i in range(10)} <= found
    assert len(rows) % 10 == 0


def test_another_directory_in_the_same_process_is_refused_in_plain_words(tmp_path: Path) -> None:
    warehouse = EmbeddedWarehouse(tmp_path / "one")
    with pytest.raises(WarehouseUnavailable, match="another"):
        EmbeddedWarehouse(tmp_path / "two")
    warehouse.close()


def test_a_closed_warehouse_is_unavailable_and_another_can_be_opened(tmp_path: Path) -> None:
    warehouse = EmbeddedWarehouse(tmp_path / "one")
    warehouse.close()
    with pytest.raises(WarehouseUnavailable):
        warehouse.query("SELECT 1")
    other = EmbeddedWarehouse(tmp_path / "two")
    assert other.query("SELECT 1").rows == [(1,)]
    other.close()


def test_a_query_over_the_memory_limit_may_be_tried_again(tmp_path: Path) -> None:
    warehouse = EmbeddedWarehouse(tmp_path, memory_bytes=50_000_000)
    with pytest.raises(WarehouseUnavailable, match="MEMORY_LIMIT"):
        warehouse.query("SELECT groupArray(toString(number)) FROM numbers(10000000)")
    warehouse.close()
