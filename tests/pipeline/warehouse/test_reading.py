"""The process that answers queries from outside: confined, replaced when it dies or hangs, in sync."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from pipeline.errors import WarehouseRefused, WarehouseUnavailable
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.limits import AT_ONCE
from pipeline.warehouse.migrate import migrate
from tests.pipeline.warehouse.rows import until_readable

MEMORY = 400_000_000
HEAVY = "SELECT length(groupArray(repeat(toString(number), 50))) FROM numbers(100000000)"
COLUMNS = ["site", "identifier"]

ASK_AND_WAIT = """
import sys
from pathlib import Path
from pipeline.warehouse.embedded import EmbeddedWarehouse

warehouse = EmbeddedWarehouse(Path(sys.argv[1]))
print(warehouse.reader.pid(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedWarehouse]:
    """Unguarded, so that statements may try what a guard would refuse; with little memory and patience."""
    path = tmp_path_factory.mktemp("warehouse")
    opened = EmbeddedWarehouse(path, memory_bytes=MEMORY, guarded=False, answer_seconds=8)
    migrate(opened)
    yield opened
    opened.close()


def answers_again(warehouse: EmbeddedWarehouse) -> float:
    """Seconds until it answers; meanwhile it says that a moment later will do."""
    began = monotonic()
    while True:
        try:
            assert warehouse.raw("SELECT 42", "CSV") == b"42\n"
            return monotonic() - began
        except WarehouseUnavailable:
            assert monotonic() - began < 30
            sleep(0.02)


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_it_has_neither_rights_nor_secrets(
    warehouse: EmbeddedWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = warehouse.reader.pid()
    status = status_of(pid)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert [entry for entry in environment if entry and not entry.startswith(b"TZ=")] == []
    assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "1000"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/1/environ", "/root/.bashrc", "{cwd}/README.md"]
)
def test_it_cannot_read_what_is_not_the_warehouses(warehouse: EmbeddedWarehouse, path: str) -> None:
    place = path.format(cwd=Path.cwd())
    with pytest.raises((WarehouseRefused, WarehouseUnavailable)):
        warehouse.raw(f"SELECT * FROM file('{place}', 'LineAsString', 'line String')", "CSV")
    answers_again(warehouse)


def test_it_cannot_change_the_warehouse(warehouse: EmbeddedWarehouse) -> None:
    warehouse.insert("identities", COLUMNS, [["kept"], ["a"]])
    until_readable(warehouse, "identities")
    for sql in (
        "INSERT INTO identities (site) VALUES ('x')",
        "TRUNCATE TABLE identities",
        "ALTER TABLE identities DELETE WHERE 1 SETTINGS mutations_sync = 1",
        "DROP TABLE identities SYNC",
    ):
        try:
            warehouse.raw(sql, "CSV")
        except (WarehouseRefused, WarehouseUnavailable):
            continue
    assert warehouse.query("SELECT count() FROM identities WHERE site = 'kept'").rows == [(1,)]
    os.kill(warehouse.reader.pid(), signal.SIGKILL)
    sleep(0.1)
    answers_again(warehouse)
    until_readable(warehouse, "identities")


def test_one_that_dies_is_replaced_and_until_then_a_moment_later_will_do(
    warehouse: EmbeddedWarehouse,
) -> None:
    answers_again(warehouse)
    before = warehouse.reader.pid()
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            warehouse.raw("SELECT sleep(3)", "CSV")
        except WarehouseUnavailable as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    sleep(0.5)
    os.kill(before, signal.SIGKILL)
    asking.join(5)
    assert len(errors) == 1
    print(f"answers again after {answers_again(warehouse):.2f} s")
    assert warehouse.reader.pid() != before


def test_one_in_which_a_query_does_not_end_is_killed(warehouse: EmbeddedWarehouse) -> None:
    answers_again(warehouse)
    before = warehouse.reader.pid()
    os.kill(before, signal.SIGSTOP)
    with pytest.raises(WarehouseUnavailable, match="did not end within 8 seconds"):
        warehouse.raw("SELECT 1", "CSV")
    answers_again(warehouse)
    assert warehouse.reader.pid() != before


def test_all_queries_together_keep_the_limit_and_inserts_go_on(
    warehouse: EmbeddedWarehouse,
) -> None:
    answers_again(warehouse)
    pid, stop = warehouse.reader.pid(), threading.Event()
    at_rest, most = _resident(pid), [0]
    refused: list[str] = []

    def ask() -> None:
        while not stop.is_set():
            try:
                warehouse.raw(HEAVY, "CSV")
            except WarehouseUnavailable as error:
                refused.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    waits = []
    for number in range(40):
        began = monotonic()
        warehouse.insert(
            "identities", COLUMNS, [["busy"] * 50, [f"{number}.{n}" for n in range(50)]]
        )
        waits.append(monotonic() - began)
        most[0] = max(most[0], _resident(pid))
        sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join(30)
    print(
        f"{(most[0] - at_rest) / 1e6:.0f} MB above {at_rest / 1e6:.0f} MB at rest, inserts at most "
        f"{max(waits):.2f} s"
    )
    assert any("MEMORY_LIMIT" in text for text in refused), refused[:3]
    assert most[0] - at_rest < 2 * MEMORY
    assert max(waits) < 5
    assert warehouse.query("SELECT count() FROM identities WHERE site = 'busy'").rows == [(2000,)]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def test_new_rows_merges_and_deletions_are_seen_within_two_seconds(
    warehouse: EmbeddedWarehouse,
) -> None:
    answers_again(warehouse)
    for number in range(6):
        warehouse.insert(
            "cycles",
            ["site", "person_id", "version", "deleted"],
            [["s"] * 3, ["a", "b", f"c{number}"], [number] * 3, [0] * 3],
        )
    counted = "SELECT count() FROM cycles FINAL WHERE site = 's'"
    began = monotonic()
    while warehouse.raw(counted, "CSV") != b"8\n":
        assert monotonic() - began < 2
    warehouse.execute("OPTIMIZE TABLE cycles FINAL")
    until_readable(warehouse, "cycles")
    assert warehouse.raw(counted, "CSV") == b"8\n"
    warehouse.execute("ALTER TABLE cycles DELETE WHERE person_id = 'a' SETTINGS mutations_sync = 1")
    until_readable(warehouse, "cycles")
    assert warehouse.raw(counted, "CSV") == b"7\n"


def test_it_ends_with_its_worker(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ASK_AND_WAIT, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout
        pid = int(worker.stdout.readline())
        worker.kill()
    deadline = monotonic() + 5
    while Path(f"/proc/{pid}").exists() and status_of(pid)["State"][0] != "Z":
        assert monotonic() < deadline
        sleep(0.02)
