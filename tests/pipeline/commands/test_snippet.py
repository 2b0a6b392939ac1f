"""`footfall snippet`: what is printed is what goes into a page."""

import json

import pytest
from click.testing import CliRunner

from collectors import snippet as script
from pipeline.commands.snippet import snippet
from pipeline.errors import BadSetting
from pipeline.settings import BY_NAME, Settings


def test_every_write_key_has_its_tag() -> None:
    flags = ["--address", "https://collect.shop.example/", "--write-keys", "k1:tea,k2:coffee"]
    printed = CliRunner().invoke(snippet, [*flags, "--snippet-path", "/assets/tea.js"]).output
    address = "https://collect.shop.example/assets/tea.js"
    assert f'tea:\n  <script async src="{address}" data-key="k1"></script>' in printed
    assert f'coffee:\n  <script async src="{address}" data-key="k2"></script>' in printed
    assert script.STUB in printed


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
