"""Who reaches a running stack's pages: by token, by name, and whom commands tell so."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from footfall.processes.worker_client import wait_until

TOKEN = "c0rrect-horse-battery"
COMMAND = [sys.executable, "-m", "footfall.cli"]
MARK = {"X-Footfall": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(folder: Path, **settings: str) -> dict[str, str]:
    given = {
        "LOG": f"embedded://{folder}",
        "WAREHOUSE": f"chdb://{folder / 'warehouse'}",
        "PORT": str(free_port()),
        "WORKER_PORT": str(free_port()),
        **settings,
    }
    return {**os.environ, **{f"FOOTFALL_{name}": value for name, value in given.items()}}


@contextmanager
def up(given: Mapping[str, str]) -> Iterator[int]:
    """A running stack; its worker's port."""
    port = int(given["FOOTFALL_WORKER_PORT"])
    with subprocess.Popen(
        [*COMMAND, "up"], env=dict(given), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert wait_until(lambda: get(port, "/ready") == 200, 60)
            yield port
        finally:
            process.terminate()


def get(port: int, path: str, **headers: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers=MARK | sent)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def run(given: Mapping[str, str], *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, *words], env=dict(given), capture_output=True, text=True, timeout=90, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_with_a_token_others_are_answered_and_commands_show_it(tmp_path: Path) -> None:
    given = environment(
        tmp_path, WORKER_HOST="0.0.0.0", WORKER_TOKEN=TOKEN, SERVER_KEYS="a-server-key:s"
    )
    with up(given) as port:
        bearer = f"Bearer {TOKEN}"
        for path in (
            "/",
            "/metrics",
            "/api/status",
            "/api/named/engine",
            "/clickhouse?query=SELECT+1",
        ):
            assert get(port, path) == 401
            assert get(port, path, Authorization=bearer, Host="192.0.2.7:8101") == 200
        assert (get(port, "/health"), get(port, "/ready")) == (200, 200)
        code, text = run(given, "query", "SELECT 6 * 7 AS answer", "--json")
        assert (code, text) == (0, '[{"answer":42}]\n')
        code, text = run(given, "query", "SELECT file('/etc/passwd')")
        assert code == 2
        assert "the function 'file' cannot be used here" in text
        code, text = run({**given, "FOOTFALL_WORKER_TOKEN": TOKEN + "x"}, "query", "SELECT 1")
        assert (code, "set FOOTFALL_WORKER_TOKEN as it has it" in text) == (2, True)
    assert TOKEN not in text


def test_without_one_names_are_answered_that_were_set(tmp_path: Path) -> None:
    with up(environment(tmp_path, WORKER_NAMES="stats.shop.example, 192.0.2.7:8101")) as port:
        for host, status in (
            ("stats.shop.example", 200),
            ("192.0.2.7:8101", 200),
            ("localhost", 200),
            ("192.0.2.7", 421),
            ("evil.example", 421),
        ):
            assert get(port, "/api/status", Host=host) == status


@pytest.mark.parametrize("command", ["worker", "up"])
def test_nothing_starts_that_everybody_could_read(tmp_path: Path, command: str) -> None:
    given = environment(tmp_path, WORKER_HOST="0.0.0.0", SERVER_KEYS="a-server-key:s")
    code, text = run(given, command)
    assert code == 2
    assert "Set FOOTFALL_WORKER_TOKEN" in text
    assert not (tmp_path / "warehouse").exists()


@pytest.mark.parametrize("token", ["short", "fifteen-letters", "with a blank in the middle"])
def test_a_token_that_is_easily_guessed_is_refused_and_not_shown(
    tmp_path: Path, token: str
) -> None:
    code, text = run(environment(tmp_path, WORKER_TOKEN=token), "worker")
    assert (code, token in text) == (2, False)
    assert "16 or more" in text


def test_a_query_without_a_worker_goes_the_same_guarded_way(tmp_path: Path) -> None:
    given = environment(tmp_path)
    assert run(given, "migrate")[0] == 0
    assert run(given, "query", "SELECT count() AS n FROM events", "--json") == (0, '[{"n":0}]\n')
    for sql in ("DESCRIBE url('file:///etc/passwd', 'LineAsString')", "TRUNCATE TABLE events"):
        code, text = run(given, "query", sql)
        assert (code, "cannot be used here" in text or "can be run here" in text) == (2, True), text
