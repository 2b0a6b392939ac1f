"""`footfall sources`: the pages with the reader's own address and keys, and no secret."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from collectors.sources.page import page
from collectors.sources.placeholders import Placeholders
from collectors.sources.registry import sources as all_sources
from collectors.webhooks import generic
from footfall.commands.sources import sources

KEYS = ["--write-keys", "k1:tea identify", "--server-keys", "s3cr3t:tea"]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WRITE_KEYS", "SERVER_KEYS", "WEBHOOK_SECRETS", "WEBHOOK_MAPPINGS", "PORT"):
        monkeypatch.delenv(f"FOOTFALL_{name}", raising=False)


def told(*arguments: str) -> str:
    result = CliRunner().invoke(sources, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_every_source_is_listed() -> None:
    listed = told()
    assert all(f" {source.name} " in listed for source in all_sources())


def test_a_page_has_the_site_s_own_address_and_key() -> None:
    text = told("shopify", "--address", "https://c.tea.example/", *KEYS)
    assert "`https://c.tea.example/webhooks/shopify/tea`" in text
    assert 'FOOTFALL_WEBHOOK_SECRETS="shopify:tea=…"' in text
    assert 'data-key="k1"' in told("snippet", *KEYS)


@pytest.mark.parametrize("name", [source.name for source in all_sources()])
def test_no_secret_is_printed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_WEBHOOK_SECRETS", "shopify:tea=hush,stripe:tea=hush")
    for text in (told(name, *KEYS), told(name, "--json", *KEYS)):
        assert "s3cr3t" not in text
        assert "hush" not in text
    assert "A-KEY-OF-FOOTFALL_SERVER_KEYS" in told("http", *KEYS)


def test_without_keys_the_examples_work_as_they_are() -> None:
    place = Placeholders(
        "http://127.0.0.1:8200", "default", secret="THE-SECRET-IN-FOOTFALL_WEBHOOK_SECRETS"
    )
    for source in all_sources():
        assert told(source.name, "--port", "8200") == page(source, place) + "\n"


def test_a_renamed_snippet_is_told_by_its_name() -> None:
    text = told("snippet", "--snippet-path", "/assets/tea.js")
    assert 'src="http://127.0.0.1:8100/assets/tea.js"' in text
    assert "/footfall.js" not in text


def test_webhooks_of_mapping_files_are_listed(tmp_path: Path) -> None:
    file = tmp_path / "till.toml"
    file.write_text(generic.ABOUT.files[0].text.replace("billing", "till"))
    assert " till " in told("--webhook-mappings", str(file))
    assert "/webhooks/till/tea" in told("till", "--webhook-mappings", str(file), *KEYS)


def test_json_tells_where_to_send() -> None:
    told_all = {one["name"]: one for one in json.loads(told("--json", *KEYS))}
    assert told_all["stripe"]["url"] == "http://127.0.0.1:8100/webhooks/stripe/tea"
    assert told_all["http"]["brings"] == ["purchases", "tickets", "feedback"]
    assert {"method": "POST", "path": "/v1/tickets", "server_key": True} in told_all["http"][
        "paths"
    ]
    assert "# Stripe" in json.loads(told("stripe", "--json", *KEYS))["page"]


def test_an_unknown_source_is_told_which_there_are() -> None:
    result = CliRunner().invoke(sources, ["matomo"])
    assert result.exit_code == 2
    assert "segment" in result.output
