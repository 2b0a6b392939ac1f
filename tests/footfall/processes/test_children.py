"""A process of our own ends when it is told to, and what it wrote last can be read."""

import os
import signal
from pathlib import Path

from footfall.processes.children import Child, free_port
from footfall.processes.worker_client import wait_until

STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for line in ("one", "two", "three", "four"):
    print(line, flush=True)
time.sleep(60)
"""


def child(folder: Path, text: str) -> Child:
    (folder / "told.py").write_text(text)
    return Child(["told"], {**os.environ, "PYTHONPATH": str(folder)}, folder / "output.log")


def test_one_that_ends_says_with_which_code_and_its_last_words(tmp_path: Path) -> None:
    ended = child(tmp_path, "print('Done.'); raise SystemExit(3)")
    assert wait_until(ended.has_ended, 20)
    assert ended.end(signal.SIGTERM, 1) == 3
    assert ended.last_words() == "Its last words: Done."


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    stubborn = child(tmp_path, STUBBORN)
    assert wait_until(lambda: "four" in stubborn.last_words(), 20)
    assert stubborn.last_words() == "Its last words: two / three / four"
    assert not stubborn.has_ended()
    assert stubborn.end(signal.SIGTERM, 0.2) == -signal.SIGKILL


def test_a_free_port_can_be_had() -> None:
    assert 1024 < free_port() < 65536
