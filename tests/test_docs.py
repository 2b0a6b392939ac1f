"""The pages that people read: what they name is there."""

import re
from pathlib import Path
from typing import get_args

import pytest

from pipeline.settings import SETTINGS
from pipeline.stages.delivery.stage import PAUSES_SECONDS
from schemas.triggers import Rule

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "DECISIONS.md", *sorted((ROOT / "docs").rglob("*.md"))]
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
