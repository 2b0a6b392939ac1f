"""What pages say of answers is what the collector answers."""

import pytest

from collectors import limits
from collectors.admission import STATUS
from collectors.sources import answers
from collectors.sources.page import index, page
from collectors.sources.placeholders import Placeholders
from collectors.sources.registry import sources
from collectors.webhooks import ALL
from collectors.webhooks.contract import Vendor
from collectors.webhooks.router import Router
from schemas.rejects import MEANING, Reason
from tests.collectors.requests import request

PLACEHOLDERS = Placeholders()
SOURCES = {source.name: source for source in sources()}
INDEX = index(SOURCES.values())


def said(name: str) -> str:
    return "\n".join(answers.of(SOURCES[name]))


@pytest.mark.parametrize("reason", STATUS, ids=str)
def test_every_reason_is_explained_once(reason: Reason) -> None:
    assert INDEX.count(f"| {STATUS[reason]} | `{reason.value}` | {MEANING[reason]} |") == 1


def test_a_page_tells_the_reasons_that_its_source_can_meet() -> None:
    assert "`bad_ticket`" in said("http")
    assert "`bad_ticket`" not in said("segment")
    assert "`bad_order`" in said("segment")
    assert "`bad_signature`" not in said("segment")
    assert "`unknown_key`" not in said("shopify")
    assert said("csv") == ""


@pytest.mark.parametrize("vendor", ALL, ids=lambda vendor: vendor.name)
def test_webhooks_are_refused_as_their_pages_say(vendor: Vendor) -> None:
    path = PLACEHOLDERS.hook(vendor.name)
    for body in (b"{}", b" " * (limits.MAX_BODY + 1)):
        admitted = Router.of().admit(request(path, body))
        reason = admitted.rejects[0].reason
        assert f"`{admitted.status}` `{reason.value}`" in said(vendor.name)


def test_a_page_names_the_paths_that_take_only_a_server_s_key() -> None:
    assert "Only with a server's key: `/v1/import`" in said("segment")
    assert "Only with a server's key: `/v1/purchases`, `/v1/tickets`" in said("http")
    assert "server's key" not in said("posthog")


def test_limits_are_told_in_units_for_people() -> None:
    assert ["an event", "32 KiB"] in answers.bounds()
    assert ["a request, also once inflated", "4 MiB"] in answers.bounds()


def test_the_site_default_is_in_no_address() -> None:
    text = page(SOURCES["stripe"], PLACEHOLDERS._replace(site="default"))
    assert f"`{PLACEHOLDERS.address}/webhooks/stripe`" in text
    assert 'FOOTFALL_WEBHOOK_SECRETS="stripe=…"' in text
