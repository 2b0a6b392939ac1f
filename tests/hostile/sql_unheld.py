"""The engine without guard and sandbox, in a process of its own: the control of the attack suite."""

import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.hostile.sql_escapes import Attack

SECONDS_EACH = 2.0


def run_unheld(attacks: Sequence[Attack]) -> Iterator[bytes]:
    """What comes back of each; a process in which one hangs or ends is replaced."""
    context = multiprocessing.get_context("spawn")
    waiting = list(attacks)
    while waiting:
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there,), daemon=True)
        process.start()
        there.close()
        while waiting:
            attack = waiting.pop(0)
            try:
                here.send(tuple(attack))
                if not here.poll(SECONDS_EACH if waiting else 30.0):
                    yield b""
                    break
                yield here.recv_bytes()
            except (EOFError, OSError):
                yield b""
                break
        process.kill()
        process.join()


def _serve(asked: Connection) -> None:
    from chdb import session

    os.setsid()  # SYSTEM SHUTDOWN ends its whole process group
    sessions: Any = session
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "data")
        kept = sessions.Session(path)
        kept.query("CREATE TABLE events (site String, a String) ENGINE = MergeTree ORDER BY site")
        kept.query("INSERT INTO events VALUES ('s', 'a')")
        while True:
            sql, fmt, params = asked.recv()
            one = sessions.Session(path)
            try:
                back = one.query(sql, fmt, params=params).bytes()
            except RuntimeError as error:
                back = str(error).encode()
            one.close()
            asked.send_bytes(back)
