"""The check-up, in front of a collector and a worker that answer what they are told to."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest

from collectors.producers.embedded import EmbeddedWriter
from footfall.operations.doctor import books, clocks, examine, keys, rights
from footfall.operations.finding import Finding
from pipeline.alarms import Alarm
from pipeline.clock import wall
from pipeline.settings import Settings

BALANCED = {
    "received": 1_010,
    "stored": 1_000,
    "repeats": 5,
    "merged": 1,
    "rejected": 3,
    "in_flight": 1,
    "difference": 0,
}
ROWS: dict[str, tuple[list[str], list[Any]]] = {
    "-- Which engine": (["version", "tables"], ["26.9", 1]),
    "-- Rejects by reason": (["reason", "rejects"], ["unknown_key", 721]),
    "-- One row: triggers": (["delivered", "waiting", "given_up", "answer"], [0, 2, 0, "No."]),
    "-- Orders completed": (["site", "orders"], ["shop", 2]),
}


@contextmanager
def serving(answers: dict[str, bytes]) -> Iterator[int]:
    """A server on loopback that answers by path, and queries by how their text begins; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(answers[self.path])

        def do_POST(self) -> None:
            sql = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["sql"]
            names, row = next(told for start, told in ROWS.items() if sql.startswith(start))
            types = ["String"] * len(names)
            self._answer(json.dumps({"names": names, "types": types, "rows": [row]}).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def exposition(*labels: str, count: float) -> str:
    registry = CollectorRegistry()
    counter = Counter("footfall_collector_withheld_events", ".", labels, registry=registry)
    values = {"site": 'the "first", as it were', "right": "identify"}
    counter.labels(*(values[label] for label in labels)).inc(count)
    return generate_latest(registry).decode()


def found(directory: Path, part: str, **ports: int) -> list[Finding]:
    given = {
        "log": f"embedded://{directory}",
        "warehouse": f"chdb://{directory}/w",
        "port": "1",
        "worker_port": "1",
        **{k: str(v) for k, v in ports.items()},
    }
    return [one for one in examine(Settings(given, {})) if one.part == part]


def test_a_disk_below_the_reserve_is_wrong_and_near_it_worth_a_look(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    reserves = (0, free * 3 // 4, 10**13)
    told = [found(tmp_path, "disk", disk_reserve=reserve)[0] for reserve in reserves]
    assert [one.verdict for one in told] == ["ok", "look", "WRONG"]
    assert "FOOTFALL_DISK_RESERVE" in told[2].advice


@pytest.mark.parametrize("labels", [("site", "right"), ("right", "site")])
def test_what_keys_were_too_weak_for_is_read_whatever_the_order_of_labels(
    labels: tuple[str, ...],
) -> None:
    (told,) = keys(exposition(*labels, count=1))
    assert told.verdict == "look"
    assert told.text == (
        'site the "first", as it were: 1 event lost what only a key with `identify` may say, '
        "since the collector started"
    )


def test_what_never_happened_is_not_told() -> None:
    assert list(keys(exposition("site", "right", count=0))) == []


def test_the_books_are_told_in_one_formula() -> None:
    told = books(BALANCED)
    assert told == Finding(
        "books",
        True,
        "1,010 received = 1,000 stored + 5 repeats + 1 merged + 3 rejected + 1 in flight",
    )


def test_books_that_do_not_balance_are_wrong() -> None:
    told = books({**BALANCED, "stored": 998, "difference": 2})
    assert (told.ok, told.text.endswith("in flight, but for 2 lost from the warehouse")) == (
        False,
        True,
    )


def test_what_does_not_answer_is_told_without_numbers_of_errors(tmp_path: Path) -> None:
    (told,) = found(tmp_path, "collector")
    assert told.text == "nothing answers on 127.0.0.1:1: Connection refused"


def test_another_program_on_the_collectors_port_is_told(tmp_path: Path) -> None:
    with serving({"/ready": b"Hello!", "/metrics": b"<html>a page"}) as port:
        (told,) = found(tmp_path, "collector", port=port)
    assert (told.ok, told.text) == (False, f"what answers on 127.0.0.1:{port} is no collector")


def test_partitions_are_counted_once_and_the_slowest_stage_is_named(tmp_path: Path) -> None:
    lanes = [
        {"stage": stage, "partition": partition, "lag": lag}
        for partition, lag in ((0, 0), (1, 2_000))
        for stage in ("visits", "people")
    ]
    lanes[-1]["lag"] = 3_000
    status = {"ready": True, "lanes": lanes, "books": BALANCED, "alarms": []}
    with serving({"/api/status": json.dumps(status).encode()}) as port:
        whole, slow = found(tmp_path, "worker", worker_port=port)
    assert (whole.ok, whole.text) == (True, "2 partitions, at most 3,000 records behind")
    assert (slow.ok, slow.text) == (False, "people of partition 1 is 3,000 records behind")


def test_what_the_warehouse_tells_of_trouble_is_told(tmp_path: Path) -> None:
    status = {"ready": True, "lanes": [], "books": BALANCED, "alarms": []}
    parts = ("warehouse", "rejects", "webhook", "orders")
    with serving({"/api/status": json.dumps(status).encode()}) as port:
        told = [one for part in parts for one in found(tmp_path, part, worker_port=port)]
    assert [(one.verdict, one.text) for one in told] == [
        ("ok", "ClickHouse 26.9, 1 table"),
        ("look", "721 in 24 h: unknown_key 721"),
        ("WRONG", "2 triggers not delivered yet; last answer: No."),
        ("look", "site shop: 2 orders in 24 h without a currency"),
    ]


def test_what_the_worker_itself_found_wrong_is_wrong_here_too(tmp_path: Path) -> None:
    alarm = Alarm("disk", "Nearly full.", "Make room.")
    status = {"ready": True, "lanes": [], "books": BALANCED, "alarms": [alarm._asdict()]}
    with serving({"/api/status": json.dumps(status).encode()}) as port:
        told = found(tmp_path, "disk", worker_port=port)
    assert Finding("disk", False, alarm.text, alarm.advice) in told


@pytest.mark.parametrize(
    ("apart_ms", "said"), [(0, None), (48 * 3_600_000, "48.0 h ahead of"), (-90_000, "90 s behind")]
)
def test_a_collector_whose_clock_is_wrong_is_told(apart_ms: int, said: str | None) -> None:
    seconds = (wall() + apart_ms) / 1000
    text = f"# TYPE footfall_collector_clock_seconds gauge\nfootfall_collector_clock_seconds {seconds}\n"
    found = [(one.verdict, said is not None and said in one.text) for one in clocks(text, None)]
    assert found == ([("WRONG", True)] if said else [])


@pytest.mark.parametrize(("mode", "told"), [(0o700, 0), (0o750, 1), (0o755, 1), (0o701, 1)])
def test_a_folder_that_others_may_read_is_told_and_left_as_it_is(
    tmp_path: Path, mode: int, told: int
) -> None:
    log = tmp_path / "log"
    log.mkdir()
    log.chmod(mode)
    given = {"log": f"embedded://{log}", "warehouse": f"chdb://{tmp_path / 'none'}"}
    found = list(rights(Settings(given, {})))
    assert [finding.advice for finding in found] == [
        f"chmod -R go= {log}, unless they are meant to."
    ] * told
    assert log.stat().st_mode & 0o777 == mode


def test_a_rebuild_that_has_not_ended_is_told(tmp_path: Path) -> None:
    EmbeddedWriter(tmp_path, 1, wall).close()
    (told,) = found(tmp_path, "log")
    assert told.ok
    (tmp_path / "rebuild.json").touch()
    (told,) = found(tmp_path, "log")
    assert (told.verdict, told.advice) == ("WRONG", "Go on with it: footfall rebuild --yes")
