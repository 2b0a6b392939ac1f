"""What cannot heal says so and stops: every command on every kind of damage, in one sentence.

Exit code 2 where somebody must act, 1 where trying again may help (or where a check-up found it);
never a traceback, never words of a library alone, never a wait without end.
"""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from collectors.producers.embedded import EmbeddedWriter
from pipeline.engine.transports.contract import Delta, Snapshot
from pipeline.engine.transports.embedded_journal import EmbeddedJournal
from pipeline.settings import Settings
from pipeline.stores import check_state, open_and_migrate
from schemas.log_records import Append
from schemas.topics import EVENTS
from tests.faults.ground import free_port
from tests.hostile.orders import MAPPING

SECONDS = 30
"""Of which starting Python and the engine takes some, on a machine that is busy."""
RNG = Random(7)
UNREADABLE = re.compile(r"Traceback|Error:|Exception|unsupported operand|Either another|NoneType")

Damage = Callable[[Path], None]


def garbage(path: Path) -> None:
    path.write_bytes(RNG.randbytes(20_000))


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def locked(path: Path) -> None:
    path.chmod(0)


def sqlite(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        assert database.execute(statement, (RNG.randbytes(300),)).rowcount


def file_instead(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("a file")


def metadata(write: Damage) -> Damage:
    def damage(warehouse: Path) -> None:
        write(sorted(warehouse.glob("store/*/*/events.sql"))[0])

    return damage


def other_version(path: Path) -> None:
    (path / "footfall.json").write_text('{"format": 4, "made_by": "9.9"}')


# what → (damage, the file or folder it is done to, what the sentence names)
KINDS: dict[str, tuple[Damage, str]] = {
    "inbox garbage": (garbage, "log/inbox.db"),
    "inbox half": (half, "log/inbox.db"),
    "inbox a folder": (folder, "log/inbox.db"),
    "inbox locked away": (locked, "log/inbox.db"),
    "work garbage": (garbage, "log/work.db"),
    "work a folder": (folder, "log/work.db"),
    "work half": (half, "log/work.db"),
    "work locked away": (locked, "log/work.db"),
    "delta garbage": (lambda path: sqlite(path, "UPDATE deltas SET body = ?"), "log/work.db"),
    "snapshot garbage": (lambda path: sqlite(path, "UPDATE snapshots SET body = ?"), "log/work.db"),
    "log a file": (file_instead, "log"),
    "log of another version": (other_version, "log"),
    "log read-only": (lambda path: path.chmod(0o500), "log"),
    "warehouse a file": (file_instead, "warehouse"),
    "warehouse of another version": (other_version, "warehouse"),
    "warehouse locked away": (locked, "warehouse"),
    "warehouse read-only": (lambda path: path.chmod(0o500), "warehouse"),
    "metadata garbage": (metadata(garbage), "warehouse"),
    "metadata half": (metadata(half), "warehouse"),
    "metadata a folder": (metadata(folder), "warehouse"),
}
COMMANDS = {
    "up": [],
    "worker": [],
    "collect": [],
    "query": ["SELECT count() FROM events"],
    "doctor": [],
    "migrate": [],
    "import": ["orders.csv", "--mapping", "orders.toml"],
}
TOUCHES = {
    "collect": ("inbox", "log"),
    "import": ("inbox", "log"),
    "query": ("warehouse", "metadata"),
    "migrate": ("warehouse", "metadata"),
    "doctor": ("log of", "inbox", "warehouse", "metadata", "work garbage"),
}
"""What of the kinds a command meets; `up` and `worker` meet all. Beside the others it just works."""
ALL = [
    (command, kind)
    for command in COMMANDS
    for kind in KINDS
    if any(kind.startswith(part) for part in TOUCHES.get(command, ("",)))
]
SHORT = ("inbox garbage", "metadata garbage", "log read-only", "warehouse of another version")
LONG = bool(os.environ.get("FAULTS_LONG"))  # `make faults`
CASES = [case for case in ALL if LONG or case[0] == "worker" or case[1] in SHORT]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with an event, its state (a delta and a snapshot) and its warehouse."""
    place = tmp_path_factory.mktemp("whole")
    writer = EmbeddedWriter(place / "log", 2, lambda: 1)
    for _ in range(2):
        writer.write([Append(EVENTS.name, 0, 1, b"{}")])
    writer.close()

    async def work() -> None:
        journal = EmbeddedJournal(place / "log")
        settings = Settings({"warehouse": f"chdb://{place / 'warehouse'}"}, {})
        warehouse = await open_and_migrate(settings, journal.log_id)
        await check_state(journal, warehouse)
        await journal.snapshot("visits", 0, Snapshot(0, [b"\x92\x80\x80"]))
        await journal.commit("visits", 0, [], Delta(1, 1, b"\x92\x80\x80"))
        await journal.close()
        warehouse.close()

    asyncio.run(work())
    for file in ("inbox.db", "work.db"):  # all in one file, as it is most of the time
        with closing(sqlite3.connect(place / "log" / file)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (place / "orders.csv").write_text(ORDERS)
    (place / "orders.toml").write_text(MAPPING)
    return place


ORDERS = "id,user,time,product,quantity,total\n1,u,2026-01-02T03:04:05,p,1,9.90\n"


RIGHTS = {
    "inbox locked away",
    "work locked away",
    "log read-only",
    "warehouse locked away",
    "warehouse read-only",
}


def unprivileged(command: str) -> list[str]:
    """As root all may be read: then commands run as nobody. Skips where that user finds no Python."""
    if os.geteuid():
        return []
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    again = (
        ""
        if command != "up"
        else "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"
    )
    if subprocess.run(
        [*nobody, sys.executable, "-c", again], capture_output=True, check=False
    ).returncode:
        pytest.skip("needs setpriv, and a Python that every user may start")
    return nobody


def given_away(place: Path) -> None:
    if not os.geteuid():
        for path in (place, *place.rglob("*")):
            os.chown(path, 65534, 65534, follow_symlinks=False)


@pytest.mark.faults
@pytest.mark.parametrize(("command", "kind"), CASES, ids=str)
def test_what_cannot_be_opened_is_one_sentence_and_an_exit_code(
    whole: Path, command: str, kind: str
) -> None:
    place = Path(f"/tmp/footfall-stops-{os.getpid()}-{command}-{kind.replace(' ', '-')}")
    shutil.copytree(whole, place, symlinks=True)
    try:
        if kind in RIGHTS:
            given_away(place)
        damage, what = KINDS[kind]
        damage(place / what)
        ended = run(place, command, unprivileged(command) if kind in RIGHTS else [])
        named = what.partition("/")[2] if kind.endswith("garbage") else str(place / what)
    finally:
        subprocess.run(["chmod", "-R", "u+rwx", place], check=True)
        shutil.rmtree(place)
    said = ended.stdout + ended.stderr
    assert ended.returncode in (1, 2) if command == "doctor" else ended.returncode == 2, said
    assert not UNREADABLE.search(said), said
    assert named in said.replace("\n", ""), said
    if command not in ("doctor", "up"):
        assert ended.stderr.count("footfall: ") == 1
        assert ended.stderr.splitlines()[-1].startswith("footfall: ")


def run(place: Path, command: str, before: list[str]) -> subprocess.CompletedProcess[str]:
    flags = [f"--log=embedded://{place / 'log'}"]
    if command not in ("collect", "import"):
        flags += [f"--warehouse=chdb://{place / 'warehouse'}", f"--worker-port={free_port()}"]
    if command in ("collect", "up", "doctor"):
        flags += [f"--port={free_port()}"]
    return subprocess.run(
        [*before, sys.executable, "-m", "footfall.cli", command, *COMMANDS[command], *flags],
        cwd=place,
        env={**os.environ, "COLUMNS": "1000", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
