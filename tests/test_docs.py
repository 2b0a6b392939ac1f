"""The pages that people read: what they name is there."""

import re
from pathlib import Path
from typing import get_args

import pytest

from pipeline.engine import runner
from pipeline.settings import SETTINGS
from pipeline.stages.delivery.stage import PAUSES_SECONDS
from pipeline.stages.people import state
from schemas.triggers import Rule

ROOT = Path(__file__).parent.parent
FOR_CHANGERS = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "ARCHITECTURE.md"]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = "collectors|dashboards|docs|footfall|pipeline|schemas|sql|tests"
_NAMED = re.compile(rf"`((?:{ROOMS})/[\w./-]*)(?:::(\w+))?`")
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_MEANT = {"FOOTFALL_", "FOOTFALL_WEBHOOK_"}
"""Beginnings of names, said of several."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_that_a_page_names_is_a_setting(page: Path) -> None:
    named = set(re.findall(r"FOOTFALL_[A-Z_]*", page.read_text(encoding="utf-8")))
    assert named - _MEANT <= {setting.variable for setting in SETTINGS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_page_about_triggers_has_every_rule_and_every_pause() -> None:
    text = (ROOT / "docs" / "triggers.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z.]+)` \|", text, re.M)) == set(get_args(Rule))
    pauses = ", ".join(map(_spoken, PAUSES_SECONDS[:-1])) + f" and {_spoken(PAUSES_SECONDS[-1])}"
    assert pauses in text


def _spoken(seconds: int) -> str:
    for size, unit in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    raise AssertionError(seconds)


@pytest.mark.parametrize("page", FOR_CHANGERS, ids=lambda page: page.name)
def test_every_file_and_test_that_a_page_for_changers_names_exists(page: Path) -> None:
    """But for the new ones of a recipe, which are called NAME."""
    named = [
        pair for pair in _NAMED.findall(page.read_text(encoding="utf-8")) if "NAME" not in pair[0]
    ]
    assert len(named) > 20
    for path, test in named:
        assert (ROOT / path).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), test


def test_the_runner_s_protocol_has_the_same_steps_on_the_page_and_in_the_code() -> None:
    page = FOR_CHANGERS[1].read_text(encoding="utf-8").split("## The runner's protocol")[1]
    steps = re.findall(r"^(\d)\. \*\*(\w+)\*\*", page, re.M)
    code = re.findall(r"^    (\d)  (\w+)", runner.__doc__ or "", re.M)
    assert [(number, step.lower()) for number, step in steps] == code


def test_the_page_names_the_owner_of_every_table_of_people_s_state() -> None:
    page = FOR_CHANGERS[1].read_text(encoding="utf-8").split("## The state of `people`")[1]
    tables = re.findall(r"^\| `(\w+)` \|", page.partition("\n## ")[0], re.M)
    assert tables == re.findall(r"^    (\w+)  +\S", state.__doc__ or "", re.M)


def test_decisions_are_numbered_and_dated_in_order_and_listed() -> None:
    text = (ROOT / "DECISIONS.md").read_text(encoding="utf-8")
    contents, _, entries = text.partition("\n### ")
    headings = re.findall(r"^### (\d+), (\d{4}-\d\d-\d\d)$", "### " + entries, re.M)
    numbers = [int(number) for number, _ in headings]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [date for _, date in headings] == sorted(date for _, date in headings)
    listed = re.findall(r"^(\d+)\. \[.+\]\(#(\d+)-(.+)\)$", contents, re.M)
    assert listed == [(number, number, date) for number, date in headings]
    assert len(re.findall(r"^\*\*", entries, re.M)) == len(headings)
