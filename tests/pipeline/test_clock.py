"""A worker's own clock: it goes on, sleeps, is set back at once, and ahead only for good."""

import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import pipeline
from pipeline.clock import LASTING_MS, STEP_MS, SteadyClock, clock

SECOND = 1_000
NOW = 1_760_000_000_000


class Machine:
    """A wall clock and the machine's own, both moved by hand."""

    def __init__(self) -> None:
        self.wall, self.running = NOW, 5_000
        self.anchored = SteadyClock(lambda: self.wall, lambda: self.running)

    def passes(self, ms: int) -> int:
        self.wall += ms
        self.running += ms
        return self.anchored()


@given(st.lists(st.integers(0, 10**9), max_size=20))
def test_time_that_passes_is_the_walls_however_long_nobody_asked(steps: list[int]) -> None:
    machine = Machine()
    for step in steps:
        assert machine.passes(step) == machine.wall


@given(st.integers(STEP_MS + 1, 10**13), st.integers(1, LASTING_MS - 1))
def test_a_step_ahead_that_is_taken_back_was_never_believed(ahead: int, lasted: int) -> None:
    machine = Machine()
    machine.wall += ahead
    assert machine.passes(0) == machine.wall - ahead
    assert machine.passes(lasted) == machine.wall - ahead
    machine.wall -= ahead
    assert machine.passes(SECOND) == machine.wall


def test_a_step_ahead_that_lasts_is_believed() -> None:
    machine = Machine()
    machine.wall += 3_600_000
    machine.passes(0)
    assert machine.passes(LASTING_MS) == machine.wall


@given(st.integers(1, 10**11))
def test_a_step_back_is_believed_at_once(back: int) -> None:
    machine = Machine()
    machine.wall -= back
    assert machine.passes(SECOND) == machine.wall


def test_ntp_that_drags_the_clock_along_is_followed() -> None:
    machine = Machine()
    for _ in range(1_000):
        machine.wall += 500
        assert machine.passes(SECOND) == machine.wall


def test_a_fast_clock_follows_the_one_it_is_given() -> None:
    assert clock((NOW, 1_000, 60.0), lambda: 3_000)() == NOW + 120_000


READS_THE_TIME = {"time", "time_ns", "clock_gettime", "clock_gettime_ns", "gmtime", "localtime"}
READS_THE_DATE = {"now", "utcnow", "today"}


def readings(path: Path) -> set[str]:
    """Names of the standard library's clocks that a module takes or calls."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            names |= {alias.name for alias in node.names} & READS_THE_TIME
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            clocks = {"time": READS_THE_TIME, "datetime": READS_THE_DATE, "date": READS_THE_DATE}
            names |= {node.attr} & clocks.get(node.value.id, set())
    return names


def test_no_other_module_of_the_pipeline_reads_what_time_it_is() -> None:
    folder = Path(pipeline.__path__[0])
    readers = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if readings(path)
    }
    assert readers == {"clock.py"}
