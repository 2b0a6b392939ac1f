"""The short form of `python -m tests.faults.damage`: a damaged log is right, or told."""

from pathlib import Path

import pytest

from collectors.embedded_producer import EmbeddedWriter
from tests.faults.damage import FILES, RIGHT, SILENT, TOLD, Ground
from tests.faults.ground import free_port
from tests.faults.processes import Managed, footfall, until

CASES = 14


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"), seed=7, events=500)


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_log_is_right_or_told(ground: Ground, file: str) -> None:
    found = {case: ground.verdict(case) for case in ground.cases(file, CASES, seed=7)}
    wrong = [f"{case}: {verdict.text}" for case, verdict in found.items() if verdict.how == SILENT]
    assert wrong == []
    assert {verdict.how for verdict in found.values()} == {RIGHT, TOLD}  # else nothing was tried


@pytest.mark.faults
@pytest.mark.parametrize("role", ["collect", "worker"])
def test_a_process_on_a_destroyed_inbox_ends_with_2_and_one_sentence(
    tmp_path: Path, role: str
) -> None:
    """It may not wait for ever, nor be started again and again."""
    log = tmp_path / "log"
    EmbeddedWriter(log, 1, lambda: 0).close()
    with (log / "inbox.db").open("r+b") as file:
        file.truncate(5_000)
    env = {
        "FOOTFALL_LOG": f"embedded://{log}", "FOOTFALL_WAREHOUSE": f"chdb://{tmp_path}/warehouse",
        "FOOTFALL_PARTITIONS": "1", "FOOTFALL_PORT": str(free_port()),
        "FOOTFALL_WORKER_PORT": str(free_port()),
    }  # fmt: skip
    process = Managed(role, footfall(role), env, tmp_path / "output")
    process.start()
    try:
        until("it has ended", lambda: not process.alive, 60)
        assert process.stop() == 2, process.tail()
    finally:
        process.kill()
    (line,) = process.tail().strip().splitlines()
    assert "inbox.db is damaged" in line
    assert "put the whole folder back from a copy" in line
