"""The built-in pages put text into the document as text. No markup is ever made from data."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.web import server
from pipeline.web.named_queries import named_query, names

STATIC = Path(server.__file__).parent / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
PAGES = sorted(STATIC.glob("*.html"))
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|"
    r"createContextualFragment|DOMParser|srcdoc|setAttribute\(.on|javascript:"
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_never_parse_markup_or_code(script: Path) -> None:
    assert MARKUP.findall(script.read_text(encoding="utf-8")) == []


class _Inline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [name for name in given if name.startswith("on") or name == "style"]
        self.links += [given[name] or "" for name in ("src", "href") if name in given]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.found.append(tag)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pages_hold_nothing_inline_and_link_only_to_files_that_are_there(page: Path) -> None:
    parser = _Inline()
    parser.feed(page.read_text(encoding="utf-8"))
    assert parser.found == []
    assert all(
        link == "/" or (STATIC / link.removeprefix("/static/")).is_file() for link in parser.links
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_ask_for_queries_that_exist(script: Path) -> None:
    asked = set(re.findall(r'ask\("(\w+)"', script.read_text(encoding="utf-8")))
    assert asked <= set(names())


def test_a_span_of_time_is_what_spanning_queries_take() -> None:
    asked = set(re.findall(r'ask\("(\w+)", span\)', (STATIC / "overview.js").read_text()))
    assert asked
    assert all(set(named_query(name).params) == {"site", "from", "to"} for name in asked)


def test_the_pages_are_small() -> None:
    assert sum(path.stat().st_size for path in STATIC.iterdir()) < 40_000
