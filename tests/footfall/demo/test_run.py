"""The demonstration's report, and the stack it runs on, without running it."""

from io import StringIO
from pathlib import Path

import msgspec
from rich.console import Console

from footfall.demo import evaluation
from footfall.demo.evaluation import Break, Flag, Report
from footfall.demo.report import show
from footfall.processes.stack import SERVER_KEY, SITE, WRITE_KEY, Stack
from pipeline.settings import Settings

COUNTED = {"declared": 10, "stored": 10, "deduplicated": 0, "rejected": 0, "rows": 10}


def _report(flags: list[Flag]) -> Report:
    step = evaluation.broken_step(Break("/checkout", "mobile", 0, [60_000, 120_000]), flags)
    return Report(
        ok=step.ok,
        stitching=evaluation.stitching({"a": "x", "b": "x"}, {"a": "1", "b": "1"}),
        broken_step=step,
        repurchases=evaluation.repurchases({("c1", "tea")}, set(), {("c1", "tea")}),
        books=evaluation.books(10, COUNTED),
        events_per_second=1.0,
        import_lines_per_second=1.0,
        seconds=1.0,
    )


def _shown(report: Report) -> str:
    console = Console(file=StringIO(), width=200)
    show(report, console)
    text = console.file
    assert isinstance(text, StringIO)
    return text.getvalue()


def test_a_report_says_found_beside_planted() -> None:
    text = _shown(_report([Flag("/checkout", "mobile", 90_000)]))
    assert "/checkout on mobile" in text
    assert "after 1 failed views, 2 min" in text
    assert "10 events received" in text
    assert "not as planted" not in text


def test_a_report_says_what_was_not_found() -> None:
    text = _shown(_report([]))
    assert "not flagged (0 false flags)" in text
    assert text.count("not as planted") == 1


def test_a_report_is_one_line_of_json() -> None:
    line = msgspec.json.encode(_report([]))
    assert b"\n" not in line
    assert msgspec.json.decode(line, type=Report) == _report([])
    assert msgspec.json.decode(line)["broken_step"]["failed_views"] is None


def test_the_stack_takes_its_settings_from_the_demonstration_alone(tmp_path: Path) -> None:
    settings = Stack(tmp_path).settings
    assert {name: key.site for name, key in settings.keys.items()} == {
        WRITE_KEY: SITE,
        SERVER_KEY: SITE,
    }
    assert settings.keys[WRITE_KEY].identify
    assert not settings.keys[WRITE_KEY].server
    assert settings.log == f"embedded://{tmp_path}"
    assert settings.clock is None
    assert Settings(env=settings.environment()).warehouse == settings.warehouse
