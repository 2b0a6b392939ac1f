"""The short form of `python -m tests.faults.damage`: a damaged log is right, or told."""

from pathlib import Path

import pytest

from collectors.producers.embedded import EmbeddedWriter
from footfall.operations.warehouse_client import status_of
from pipeline.clock import wall
from pipeline.settings import Settings
from schemas.log_records import Append
from tests.faults import feeding, traffic
from tests.faults.damage import FILES, RIGHT, SILENT, TOLD, Ground
from tests.faults.ground import free_port
from tests.faults.processes import Managed, footfall, until

CASES = 14


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"), seed=7, events=500)


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_log_is_right_or_told(ground: Ground, file: str) -> None:
    verdicts = {case: ground.verdict(case) for case in ground.cases(file, CASES, seed=7)}
    wrong = [
        f"{case}: {verdict.text}" for case, verdict in verdicts.items() if verdict.how == SILENT
    ]
    assert wrong == []
    assert {verdict.how for verdict in verdicts.values()} == {RIGHT, TOLD}  # else nothing was tried


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
        "FOOTFALL_LOG": f"embedded://{log}",
        "FOOTFALL_WAREHOUSE": f"chdb://{tmp_path}/warehouse",
        "FOOTFALL_PARTITIONS": "1",
        "FOOTFALL_PORT": str(free_port()),
        "FOOTFALL_WORKER_PORT": str(free_port()),
    }
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


@pytest.mark.faults
def test_a_damaged_record_costs_its_lines_and_is_told_while_the_site_goes_on(
    tmp_path: Path,
) -> None:
    log, port = tmp_path / "log", free_port()
    records = [one for one in feeding.records(traffic.sendings(3, 200)) if one.partition == 0]
    writer = EmbeddedWriter(log, 1, wall)
    writer.write([Append(*one) for one in records])
    with_events = next(n for n, one in enumerate(records) if one.events > 1)
    writer._db.execute("UPDATE records SET appended_at = 0 WHERE id = ?", (with_events,))
    writer.close()
    settings = Settings(
        {
            "log": f"embedded://{log}",
            "warehouse": f"chdb://{tmp_path}/warehouse",
            "partitions": "1",
            "worker_port": str(port),
        },
        {},
    )
    worker = Managed("worker", footfall("worker"), settings.environment(), tmp_path / "output")
    worker.start()
    try:
        until("all is folded", lambda: bool((s := status_of(settings)) and s["drained"]), 60, 0.5)
        status = status_of(settings)
        assert status is not None
        (alarm,) = [one for one in status["alarms"] if one["part"] == "log"]
        assert f"record {with_events} of footfall-events/0 is not what was written" in alarm["text"]
        books = status["books"]
        assert (books["rejected"], books["difference"]) == (records[with_events].events, 0)
        assert books["received"] == sum(one.events for one in records)
    finally:
        worker.kill()
