"""`footfall snippet`: what is printed is what goes into a page."""

import json

import pytest
from click.testing import CliRunner

from collectors import snippet as script
from footfall.commands.snippet import snippet
from pipeline.errors import BadSetting
from pipeline.settings import BY_NAME, Settings


def test_every_write_key_has_its_tag() -> None:
    flags = ["--address", "https://collect.shop.example/", "--write-keys", "k1:tea,k2:coffee"]
    printed = CliRunner().invoke(snippet, [*flags, "--snippet-path", "/assets/tea.js"]).output
    address = "https://collect.shop.example/assets/tea.js"
    assert f'tea:\n  <script async src="{address}" data-key="k1"></script>' in printed
    assert f'coffee:\n  <script async src="{address}" data-key="k2"></script>' in printed
    assert script.STUB in printed


@pytest.mark.parametrize(
    "address", ["collect.shop.example", "https://", "ftp://shop.example", "//a"]
)
def test_an_address_that_no_page_could_use_is_refused(address: str) -> None:
    failed = CliRunner().invoke(snippet, ["--address", address]).exception
    assert isinstance(failed, BadSetting)
    assert str(failed) == (f"--address is {address!r}; it takes https://collect.myshop.example.")


def test_a_tag_without_a_key_says_which_collector_it_works_with() -> None:
    without = CliRunner().invoke(snippet, []).output
    assert (
        "No FOOTFALL_WRITE_KEYS here: this tag works only with a collector that has none."
        in without
    )
    assert (
        "No FOOTFALL_WRITE_KEYS" not in CliRunner().invoke(snippet, ["--write-keys", "k:s"]).output
    )


def test_json_tells_version_and_sizes() -> None:
    told = json.loads(CliRunner().invoke(snippet, ["--json", "--port", "8200"]).output)
    assert told["version"] == script.version()
    assert (told["bytes"], told["gzipped"]) == (len(script.script()), len(script.gzipped()))
    assert told["tags"] == {"default": script.tag("http://127.0.0.1:8200/footfall.js", "")}


def test_the_collector_and_the_settings_agree_on_the_path() -> None:
    assert BY_NAME["snippet_path"].default == script.PATH


@pytest.mark.parametrize("path", ["tea.js", "/", "/a b", "/a?b", "/a;Domain=x", "/a\r\n", "//a"])
def test_a_path_that_would_not_do_is_refused(path: str) -> None:
    with pytest.raises(BadSetting, match="--snippet-path"):
        Settings({"snippet_path": path})
