"""The reader process: `python -I -m pipeline.warehouse.reading.child WORKER_PID`.

It is spoken to over its standard input and output. Everything of ours that it needs is imported
before it is confined; the engine afterwards, so that the engine's own threads are confined too.
"""

import importlib
import os
import sys
import sysconfig
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Final

import pipeline
import sql
from pipeline.errors import FootfallError, WarehouseRefused, WarehouseUnavailable
from pipeline.warehouse.guard import Guard
from pipeline.warehouse.reading.confinement import confine, end_with
from pipeline.warehouse.reading.engine import Engine
from pipeline.warehouse.reading.wire import Answer, Ask, Begin, receive, send

NICE: Final = 1
"""Queries from outside leave the CPU to collectors and the worker."""
_SYSTEM: Final = (
    "/usr/lib",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/usr/share/zoneinfo",
    "/etc/localtime",
    "/etc/ld.so.cache",
    "/dev/null",
    "/dev/urandom",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/proc/self",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/proc/stat",
)


def main(parent: int) -> None:
    """Serve until the worker goes."""
    if not end_with(parent):
        return
    questions, answers = _streams()
    begin = receive(questions, Begin)
    if begin is None:
        return
    try:
        folder = Path(begin.folder)
        missing = confine([Path(begin.warehouse), *_readable()], folder, NICE)
        os.chdir(folder)
        os.environ["TMPDIR"] = str(folder)
        engine = Engine(begin)
        guard = Guard(engine.catalogue()) if begin.guarded else None
    except (FootfallError, OSError) as error:
        send(answers, Answer(0, "unavailable", text=str(error)))
        return
    send(answers, Answer(0, "answered", text=", ".join(missing)))
    _serve(engine, guard, questions, answers, begin)


def _streams() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output, out of reach of whatever else prints."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return questions, answers


def _readable() -> list[Path]:
    """What an interpreter and an engine need to start: programs and libraries, no data."""
    ours = [Path(path) for package in (pipeline, sql) for path in package.__path__]
    python = [
        Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
    ]
    return [*python, Path(sys.base_prefix) / "lib", *ours, *map(Path, _SYSTEM)]


def _serve(
    engine: Engine, guard: Guard | None, questions: IO[bytes], answers: IO[bytes], begin: Begin
) -> None:
    threads = ThreadPoolExecutor(begin.at_once)
    one_at_a_time = threading.Lock()

    def answer(ask: Ask) -> None:
        reply = _answer(engine, guard, ask)
        with one_at_a_time:
            send(answers, reply)

    while (ask := receive(questions, Ask)) is not None:
        threads.submit(answer, ask)
    os._exit(0)  # queries under way are nobody's any more


def _answer(engine: Engine, guard: Guard | None, ask: Ask) -> Answer:
    try:
        return Answer(ask.id, "answered", engine.run(guard, ask))
    except WarehouseRefused as error:
        return Answer(ask.id, "refused", text=str(error))
    except WarehouseUnavailable as error:
        return Answer(ask.id, "unavailable", text=str(error))


if __name__ == "__main__":
    importlib.import_module("encodings.idna")
    main(int(sys.argv[1]))
