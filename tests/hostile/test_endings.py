"""A signal at any moment leaves no process, no folder and no traceback, while modules load too."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import monotonic, sleep
from uuid import uuid4

import pytest

from tests.faults.ground import free_port
from tests.faults.processes import until
from tests.hostile.orders import MAPPING

LONG = bool(os.environ.get("FAULTS_LONG"))  # `make faults`
ENDING_SECONDS = 30.0
RNG = Random(20)
MOMENTS = [(0.1, 0.6), (0.6, 2.5), (2.5, 8.0), (8.0, 20.0)]
"""Seconds from the start: modules load; processes start; they work."""
NUMBERS = [signal.SIGTERM, signal.SIGINT, signal.SIGKILL]
CASES = [
    (command, number, round(RNG.uniform(*span), 2))
    for command in ("demo", "bench", "up", "collect", "worker", "import")
    for number in NUMBERS
    for span in MOMENTS * (5 if LONG else 1)
]
SHORT = {("demo", 0), ("demo", 1), ("demo", 2), ("demo", 3), ("up", 1), ("bench", 2), ("import", 0)}


def chosen() -> Iterator[object]:
    """All in `make faults`; else every moment of the demonstration, and some of the others."""
    for place, (command, number, moment) in enumerate(CASES):
        span, turn = place % len(MOMENTS), RNG.choice(NUMBERS[:2])
        some = (command, span) in SHORT and (number == turn or command == "demo")
        kill = number == signal.SIGKILL and span not in (2,)
        if LONG or (some and not kill):
            yield pytest.param(command, number, moment, id=f"{command} {number.name} {moment}")


ARGUMENTS = {
    "demo": ["--json"],
    "bench": ["--events", "2000", "--plain-events", "200", "--rounds", "1", "--devices", "1000"],
    "import": ["orders.csv", "--mapping", "orders.toml", "--log", "embedded://data"],
    "collect": ["--log", "embedded://data", "--port", "{port}"],
    "worker": [
        "--log",
        "embedded://data",
        "--warehouse",
        "chdb://data/w",
        "--worker-port",
        "{port}",
    ],
    "up": [
        "--log",
        "embedded://data",
        "--warehouse",
        "chdb://data/w",
        "--port",
        "{port}",
        "--worker-port",
        "{port}",
    ],
}


def left(mark: str) -> list[int]:
    """The processes that have `mark` in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (place / "environ").read_bytes():
                found.append(int(place.name))
        except OSError:
            continue
    return found


@pytest.mark.faults
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("command", "number", "moment"), list(chosen()))
def test_a_signal_leaves_no_process_no_folder_and_no_traceback(
    tmp_path: Path, command: str, number: signal.Signals, moment: float
) -> None:
    mark, temporary = f"STOPS_{uuid4().hex}", tmp_path / "tmp"
    temporary.mkdir()
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "orders.toml").write_text(MAPPING)
    arguments = [argument.format(port=free_port()) for argument in ARGUMENTS[command]]
    process = subprocess.Popen(
        [sys.executable, "-m", "footfall", command, *arguments],
        cwd=tmp_path,
        env={
            **os.environ,
            "STOPS": mark,
            "TMPDIR": str(temporary),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        sleep(moment)
        began, ended_before = monotonic(), process.poll() is not None
        process.send_signal(number)
        until(
            "no process is left",
            lambda: process.poll() is not None and not left(mark),
            ENDING_SECONDS,
        )
        _, said = process.communicate(timeout=10)
        assert "Traceback" not in said
        assert monotonic() - began < ENDING_SECONDS
        if not ended_before:
            assert process.returncode in {-number, 128 + number, *served(command)}, said
        if number == signal.SIGKILL:  # nobody could; the next one does
            subprocess.run(
                [sys.executable, "-c", SWEEP],
                env={**os.environ, "TMPDIR": str(temporary)},
                check=True,
            )
        assert [path.name for path in temporary.glob("footfall-*")] == []
    finally:
        for pid in left(mark):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(temporary)


SWEEP = """
from footfall.processes.scratch import sweep
sweep("footfall-demo-")
sweep("footfall-bench-")
"""
ORDERS = "id,user,time,product,quantity,total\n" + "".join(
    f"{n},u{n},2026-01-02T03:04:05,p,1,9.90\n" for n in range(100_000)
)


def served(command: str) -> set[int]:
    """Services end well by a signal."""
    return {0} if command in ("up", "collect", "worker") else set()
