"""Pages are those of the code: each source has one, and what it says is so."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors import dialects, snippet, webhooks
from collectors.admission import admit
from collectors.dialects.contract import HEADERS, Request
from collectors.importing import formats, formats_doc, tables
from collectors.importing.bodies import PATH
from collectors.importing.mapping import parse
from collectors.importing.run import batches
from collectors.source_doc import Example
from collectors.sources.__main__ import HOME, pages, write
from collectors.sources.page import TABLES, page
from collectors.sources.placeholders import Placeholders
from collectors.sources.registry import Source, sources
from collectors.webhooks import generic
from collectors.webhooks.router import Router
from schemas.events import Event
from schemas.keys import OPEN, Keys, browser_keys, server_keys
from schemas.rows import BY_NAME, columns_of
from tests.collectors.requests import NOW
from tests.collectors.sources.shell import curl, played

PLACEHOLDERS = Placeholders()
ALL = sources()
TEXTS = {source.name: page(source, PLACEHOLDERS) for source in ALL}
ORIGIN = "https://www.myshop.example"
KEYS: Keys = {
    **browser_keys(f"{PLACEHOLDERS.key}:{PLACEHOLDERS.site} identify purchase origin={ORIGIN}"),
    **server_keys(f"{PLACEHOLDERS.server}:{PLACEHOLDERS.site}"),
}
UNBOUND: Keys = browser_keys(f"{PLACEHOLDERS.key}:{PLACEHOLDERS.site}")
EXAMPLES = [(source, example) for source in ALL for example in source.about.examples]
_ADDRESS = re.compile(re.escape(PLACEHOLDERS.address) + r"(/[\w./-]*\w)?")

each = pytest.mark.parametrize("source", ALL, ids=lambda source: source.name)


def test_the_pages_in_the_repository_are_those_of_the_code() -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in HOME.glob("*")}
    assert found == pages(), "run `make sources`"


def test_a_page_whose_source_is_gone_goes_too(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(pages())


@each
def test_every_source_has_an_example(source: Source) -> None:
    """The snippet alone is pasted, and its page has that line."""
    assert source.about.examples or source.name == "snippet"


def test_everything_that_takes_events_is_a_source() -> None:
    own = [
        *(dialect.about for dialect in dialects.ALL),
        *(vendor.about for vendor in webhooks.ALL),
        *(form.about for form in formats.ALL),
        *(snippet.ABOUT, generic.ABOUT, formats_doc.ACCESS_LOG),
    ]
    assert [one for one in own if one not in [source.about for source in ALL]] == []
    assert len({source.name for source in ALL}) == len(ALL) == len(own)


def test_a_mapping_file_s_webhook_is_a_source_too() -> None:
    text = generic.ABOUT.files[0].text.replace("billing", "till")
    (found,) = (one for one in sources([generic.parse(text)]) if one.name == "till")
    assert f"{PLACEHOLDERS.address}/webhooks/till/myshop" in page(found, PLACEHOLDERS)
    assert found.about.brings == ("purchases",)


@each
def test_every_address_on_a_page_is_served(source: Source) -> None:
    router = Router.of()
    for path in _ADDRESS.findall(TEXTS[source.name]):
        mapped = path == "/webhooks/billing/myshop"
        known = mapped or router.serves(path) or dialects.answer(path) is not None
        assert (
            known
            or not path
            or path == PLACEHOLDERS.snippet_path
            or path in (*dialects.BY_PATH, "/v1")
        )


@each
def test_every_path_that_is_listed_is_served(source: Source) -> None:
    for one in source.paths:
        text = f"`{one.path}`"
        slash = one.path.endswith("/") and one.path != "/"
        assert text in TEXTS[source.name] or slash
        if one.question:
            assert dialects.answer(one.path) is not None
        elif source.kind == "library":
            assert dialects.takes(one.method, one.path)


@each
def test_a_page_speaks_of_the_reader_s_own_place(source: Source) -> None:
    placeholders = Placeholders("http://box:9", "tea", "KEY", "SERVER", "SECRET", "/t.js")
    text = page(source, placeholders)
    assert not re.search(r"\{(address|host|scheme|site|key|server|secret|hook)\}", text)
    for example in (
        PLACEHOLDERS.address,
        PLACEHOLDERS.key,
        PLACEHOLDERS.server,
        PLACEHOLDERS.secret,
    ):
        assert example not in text


@each
def test_files_that_a_page_links_to_are_there(source: Source) -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXTS[source.name]):
        assert target.startswith("https://") or (HOME / target).exists(), target


def test_what_to_look_at_is_in_the_warehouse() -> None:
    for table, names in TABLES.values():
        assert set(names.split(", ")) <= set(columns_of(BY_NAME[table]))


@pytest.mark.parametrize(
    ("source", "example"),
    EXAMPLES,
    ids=[f"{one.name}: {example.makes}" for one, example in EXAMPLES],
)
def test_an_example_makes_what_its_page_says(
    source: Source, example: Example, tmp_path: Path
) -> None:
    shell = PLACEHOLDERS.fill(example.shell, source.vendor)
    if "openssl" in shell and shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    assert shell in TEXTS[source.name]
    for file in source.about.files:
        (tmp_path / file.name).write_text(PLACEHOLDERS.fill(file.text), encoding="utf-8")
    ((name, *arguments),) = played(shell, tmp_path)
    events = _WAYS[name](source, arguments, tmp_path)
    assert tuple(event.type for event in events) == example.makes
    assert {event.site for event in events} == {PLACEHOLDERS.site}
    assert f"It makes {', '.join(f'`{kind}`' for kind in example.makes)}." in TEXTS[source.name]


def _sent(source: Source, arguments: list[str], directory: Path) -> list[Event]:
    """The events of a `curl`, of which nothing is refused."""
    request = curl(arguments).request()
    if source.kind == "webhook":
        request = request._replace(headers=_only(request, set(source.headers)))
        admitted = _router(source).admit(request)
    else:
        request = request._replace(headers=_only(request, set(HEADERS)))
        assert dialects.takes(curl(arguments).method, request.path)
        admitted = admit(request, UNBOUND if source.name == "pixel" else KEYS)
    assert (admitted.status, admitted.rejects) == (200, [])
    return admitted.events


def _only(request: Request, names: set[str]) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name in names}


def _router(source: Source) -> Router:
    vendors = (*webhooks.ALL, generic.parse(generic.ABOUT.files[0].text))
    return Router(vendors, {(source.vendor, PLACEHOLDERS.site): [PLACEHOLDERS.secret]})


def _imported(source: Source, arguments: list[str], directory: Path) -> list[Event]:
    """The events of a `footfall import`, of which nothing is refused."""
    command, file, option, mapping_file = arguments
    assert (command, option) == ("import", "--mapping")
    assert not source.ends or file.endswith(source.ends)
    mapping = parse((directory / mapping_file).read_text(encoding="utf-8"))
    table = tables.read(directory / file, mapping)
    events = []
    for batch in batches(table.units, mapping):
        body = msgspec.json.encode({"batch": [msgspec.Raw(item) for item in batch.items]})
        request = Request(PATH[mapping.kind], "", {}, body, NOW, "nonce")
        admitted = admit(request, {"": OPEN._replace(site=mapping.site)})
        assert admitted.rejects == []
        events += admitted.events
    assert table.unreadable == []
    return events


_WAYS: dict[str, Callable[[Source, list[str], Path], list[Any]]] = {
    "curl": _sent,
    "footfall": _imported,
}
