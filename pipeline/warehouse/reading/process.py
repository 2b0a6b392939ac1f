"""The reader process as the worker sees it: started when first asked, killed when it hangs.

It holds nothing that is missed. It ends with this process; where it ends by itself, another is
started at once, and until that is ready whoever asks hears that a moment later will do.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

import structlog

from pipeline.errors import FootfallError, WarehouseRefused, WarehouseUnavailable
from pipeline.warehouse.guard import Texts
from pipeline.warehouse.limits import READ_SECONDS
from pipeline.warehouse.reading.wire import Answer, Ask, Begin, receive, send

log = structlog.get_logger()

START_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = READ_SECONDS + 10.0
"""The engine ends a query after READ_SECONDS; a process in which one goes on is killed."""
_PREFIX: Final = "footfall-reader-"
_KEPT_VARIABLES: Final = ("TZ",)
"""Of the worker's environment, whose other variables hold secrets."""


class ReaderProcess:
    """Asks the reader process. `begin` tells what it is to do, given a folder of its own."""

    def __init__(
        self, begin: Callable[[Path], Begin], answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._begin, self._answer_seconds = begin, answer_seconds
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._closed = False

    def ask(self, sql: str, fmt: str, params: Texts) -> bytes:
        """A query's answer in a format. Raises WarehouseRefused or WarehouseUnavailable."""
        child = self._ready()
        future = child.ask(sql, fmt, params)
        try:
            answer = future.result(self._answer_seconds)
        except NotInTime:
            child.kill()
            raise WarehouseUnavailable(
                f"the query did not end within {self._answer_seconds:.0f} seconds"
            ) from None
        if answer.kind == "refused":
            raise WarehouseRefused(answer.text)
        if answer.kind == "unavailable":
            raise WarehouseUnavailable(answer.text)
        return answer.body

    def pid(self) -> int:
        """The process's id. Starts it where it does not run."""
        return self._ready().pid()

    def close(self) -> None:
        """End the process; queries under way fail."""
        with self._lock:
            self._closed, child = True, self._child
        if child is not None:
            child.kill()
            child.join()

    def _ready(self) -> "_Child":
        with self._lock:
            if self._closed:
                raise WarehouseUnavailable("the warehouse was closed")
            if self._child is None:
                self._child = _Child(self._begin, self._on_ended)
            child = self._child
        child.wait(0.0 if child.restarted else START_SECONDS)
        return child

    def _on_ended(self, child: "_Child") -> None:
        """Called by a process that has ended: another takes its place if it had been of use."""
        with self._lock:
            if self._closed:
                return
            self._child = (
                _Child(self._begin, self._on_ended, restarted=True) if child.was_ready else None
            )
        if child.was_ready:
            log.warning(
                "reader_ended", advice="A query took too much; the reader is started again."
            )


class _Child:
    """One process, its folder and the thread that started it and reads its answers.

    Linux ends the process with that thread, so the thread lives as long.
    """

    def __init__(
        self,
        begin: Callable[[Path], Begin],
        on_ended: "Callable[[_Child], None]",
        restarted: bool = False,
    ) -> None:
        self.restarted, self.was_ready = restarted, False
        self._over = False
        self._begin, self._on_end = begin, on_ended
        self._ready: Future[subprocess.Popen[bytes]] = Future()
        self._pending: dict[int, Future[Answer]] = {}
        self._numbers, self._sending = count(1), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Until it can be asked. Raises WarehouseUnavailable where it cannot in time."""
        try:
            self._ready.result(seconds)
        except NotInTime:
            raise WarehouseUnavailable(
                "the process that answers queries is starting; ask again in a moment"
            ) from None

    def ask(self, sql: str, fmt: str, params: Texts) -> "Future[Answer]":
        """The answer to come."""
        number, future = next(self._numbers), Future[Answer]()
        self._pending[number] = future
        process = self._ready.result(0)
        assert process.stdin
        try:
            with self._sending:
                send(process.stdin, Ask(number, sql, fmt, params))
        except (OSError, ValueError):  # it has ended, its pipe is closed
            self._fail(number)
        if self._over:
            self._fail(number)
        return future

    def pid(self) -> int:
        """Of the process; only once `wait` has returned."""
        return self._ready.result(0).pid

    def kill(self) -> None:
        """End it now, or as soon as it has started."""
        with suppress(FootfallError, NotInTime):
            self._ready.result(START_SECONDS).kill()

    def join(self) -> None:
        """Until it has ended and its folder is gone."""
        self._thread.join(START_SECONDS)

    def _run(self) -> None:
        _sweep()
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        try:
            self._serve(folder)
        except (FootfallError, OSError) as error:
            self._ready.set_exception(WarehouseUnavailable(f"the reader did not start: {error}"))
        finally:
            if not self._ready.done():
                self._ready.set_exception(WarehouseUnavailable("the reader did not start"))
            shutil.rmtree(folder, ignore_errors=True)
            self._on_end(self)
            self._over = True
            for number in list(self._pending):
                self._fail(number)

    def _serve(self, folder: Path) -> None:
        begin = self._begin(folder)
        command = [sys.executable, "-I", "-m", "pipeline.warehouse.reading.child", str(os.getpid())]
        with subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
        ) as process:
            assert process.stdin
            assert process.stdout
            try:
                send(process.stdin, begin)
                greeting = receive(process.stdout, Answer)
                if greeting is None or greeting.kind != "answered":
                    raise WarehouseUnavailable(greeting.text if greeting else "it ended at once")
                _report_missing(greeting.text)
                self.was_ready = True
                self._ready.set_result(process)
                while (answer := receive(process.stdout, Answer)) is not None:
                    if future := self._pending.pop(answer.id, None):
                        future.set_result(answer)
            finally:
                process.kill()
                with suppress(OSError):
                    process.stdin.close()

    def _fail(self, number: int) -> None:
        if future := self._pending.pop(number, None):
            text = "the process that answers queries ended; ask again in a moment, for less"
            future.set_result(Answer(number, "unavailable", text=text))


_reported: set[str] = set()


def _report_missing(missing: str) -> None:
    if missing and missing not in _reported:
        _reported.add(missing)
        advice = "This system lacks it. Queries are still checked, one by one, before they run."
        log.warning("reader_less_confined", missing=missing, advice=advice)


def _sweep() -> None:
    """Remove folders of readers whose worker was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = re.match(rf"{_PREFIX}(\d+)-", folder.name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            shutil.rmtree(folder, ignore_errors=True)
