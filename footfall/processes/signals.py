"""SIGINT and SIGTERM for commands that must put something away: processes, folders, a terminal's cursor.

`noted` goes around all, `interruptible` around the work, `whole` around steps that must not be cut:

    with noted(), scratch(…) as folder, Stack(folder) as stack, interruptible():

A signal is noted wherever it comes; Ended is raised only within `interruptible`, so that what is made
or removed outside of it is never left halfway.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM)
_AGAIN_SECONDS: Final = 0.5
"""What is raised in a destructor, or where a library catches everything, is lost: then once more."""


class Ended(SystemExit):
    """A signal asked the command to end; the exit code is a shell's for it (130, 143)."""


class _State:
    number = 0
    open = False
    raised = False


_state: Final = _State()


@contextmanager
def noted() -> Iterator[None]:
    """Signals end nothing by themselves in the block. Raises Ended at its end for one not raised yet."""
    _state.number, _state.open, _state.raised = 0, False, False
    before: dict[int, Any] = {n: signal.signal(n, _note) for n in (*_NUMBERS, signal.SIGALRM)}
    try:
        yield
    finally:
        _state.open = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        late, _state.number = 0 if _state.raised else _state.number, 0
    if late:
        raise Ended(128 + late)


@contextmanager
def interruptible() -> Iterator[None]:
    """Here a signal raises Ended, at once also for one that came before."""
    with _turned(True):
        yield


@contextmanager
def whole() -> Iterator[None]:
    """A step that is done or not done: a signal in it is raised after it."""
    with _turned(False):
        yield


@contextmanager
def _turned(to: bool) -> Iterator[None]:
    before, _state.open = _state.open, to
    try:
        _raise_if_due()
        yield
    finally:
        _state.open = before
    _raise_if_due()


def _note(number: int, frame: FrameType | None) -> None:
    if number in _NUMBERS:
        _state.number = _state.number or number
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS, _AGAIN_SECONDS)
    _raise_if_due()


def _raise_if_due() -> None:
    if _state.number and _state.open:
        _state.raised = True
        raise Ended(128 + _state.number)


def leave_untold(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A loop's exception handler: the end that a signal asked for is raised, and stays in its task, too."""
    if not isinstance(context.get("exception"), Ended):
        loop.default_exception_handler(context)
