"""What settings tell a collector."""

from footfall.commands.options import enrichment
from pipeline.settings import Settings


def test_a_collector_hears_what_is_to_be_made_of_a_visit() -> None:
    given = {"trusted_proxies": "private, 203.0.113.0/24", "deny_properties": "ssn"}
    told = enrichment(Settings(given, {}))
    assert told.trusted_proxies == ("private", "203.0.113.0/24")
    assert (told.deny_properties, told.ip_addresses) == (("ssn",), "truncated")
    assert enrichment(Settings({}, {})).trusted_proxies == ("private",)
