"""What admission adds to an event, whichever way it came, and what it keeps to itself."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.admission import admit
from collectors.dialects.contract import Request
from collectors.enrichment import Enricher, Enrichment
from collectors.errors import CollectorError, EnrichmentError
from schemas.events import Event
from schemas.rejects import Reason
from tests.collectors.enrichment.test_countries import MAXMIND, written
from tests.collectors.requests import AT, NOW

BROWSER = "Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0"
PHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"
SERVER = "analytics-python/2.4.0"
VISITOR, OTHER = "203.0.113.9", "198.51.100.7"
PLAIN = Enrichment()
PAGE: dict[str, Any] = {"messageId": "m", "anonymousId": "dev-1", "timestamp": AT}


def taken(
    body: dict[str, Any],
    told: Enrichment = PLAIN,
    *,
    agent: str = BROWSER,
    path: str = "/v1/page",
    query: str = "",
) -> Event:
    data = query.encode() or json.dumps(body).encode()
    request = Request(path, query, {"user-agent": agent}, data, NOW, "n", VISITOR)
    admitted = admit(request, {}, enricher=Enricher.of(told))
    assert admitted.rejects == []
    (event,) = admitted.events
    return event


def page(**context: Any) -> dict[str, Any]:
    return PAGE | {"context": context}


def test_a_page_view_says_who_came_how() -> None:
    place = {
        "url": "https://shop.example/tea?utm_source=news&utm_medium=email&gclid=7",
        "referrer": "https://www.google.com/",
    }
    event = taken(page(page=place))
    assert (event.device_class, event.browser, event.os, event.bot) == (
        "desktop",
        "Firefox",
        "Windows",
        "",
    )
    assert (event.campaign_source, event.campaign_medium, event.click_id) == (
        "news",
        "email",
        "gclid:7",
    )
    assert (event.referrer_medium, event.referrer_source) == ("search", "Google")
    assert (event.ip, event.country) == ("203.0.113.0", "")


def test_the_events_own_agent_wins_over_the_requests() -> None:
    assert taken(page(userAgent=PHONE)).browser == "Chrome"
    assert taken(page(userAgent=PHONE), agent=SERVER).device_class == "mobile"


def test_a_servers_address_is_not_its_visitors() -> None:
    assert taken(PAGE, agent=SERVER).ip == ""
    assert taken(page(ip=OTHER), agent=SERVER).ip == "198.51.100.0"
    assert taken(page(userAgent=PHONE), agent=SERVER).ip == "203.0.113.0"


def test_what_an_event_says_of_its_address_wins() -> None:
    assert taken(page(ip=OTHER)).ip == "198.51.100.0"


@pytest.mark.parametrize("ip", ["0.0.0.0", "unknown"])
def test_an_address_that_an_sdk_hides_stays_hidden(ip: str) -> None:
    assert taken(page(ip=ip)).ip == ""


def test_an_address_that_is_no_text_is_not_looked_at() -> None:
    assert taken(page(ip=7)).ip == taken(page(ip=None)).ip == "203.0.113.0"


def test_an_sdks_campaign_wins_over_the_urls() -> None:
    place = {"url": "https://shop.example/?utm_source=a&utm_campaign=b"}
    event = taken(page(page=place, campaign={"source": "crm", "name": None}))
    assert (event.campaign_source, event.campaign_name) == ("crm", "b")
    assert taken(page(page=place, campaign="x")).campaign_source == "a"


def test_the_country_is_that_of_the_whole_address(tmp_path: Path) -> None:
    known = {"203.0.113.8/29": MAXMIND, "203.0.113.0/29": {"country": "FR"}}
    told = Enrichment(countries=str(written(tmp_path, known)))
    event = taken(PAGE, told)
    assert (event.country, event.ip) == ("DE", "203.0.113.0")
    assert taken(PAGE, Enrichment("none", "", told.countries)).country == "DE"


def test_of_an_address_only_what_the_settings_say_is_in_the_event() -> None:
    hashed = taken(PAGE, Enrichment("hashed", "a key that nobody knows"))
    assert len(hashed.ip) == 32
    for event in (hashed, taken(PAGE, Enrichment("none")), taken(PAGE)):
        assert VISITOR.encode() not in msgspec.json.encode(event)
    assert taken(PAGE, Enrichment("none")).ip == ""


@pytest.mark.parametrize("key", ["", "short"])
def test_hashing_needs_a_key_that_cannot_be_guessed(key: str) -> None:
    with pytest.raises(EnrichmentError, match="FOOTFALL_IP_HASH_KEY"):
        Enricher.of(Enrichment("hashed", key))


def test_a_file_of_countries_that_is_missing_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(CollectorError, match="FOOTFALL_COUNTRIES"):
        Enricher.of(Enrichment(countries=str(tmp_path / "none.mmdb")))


def test_the_settings_say_which_proxies_are_believed() -> None:
    told = Enrichment(trusted_proxies=("203.0.113.0/24",))
    assert Enricher.of(told).proxies.visitor(OTHER, VISITOR) == OTHER
    assert Enricher.of(told).proxies.visitor(OTHER, "10.0.0.1") == "10.0.0.1"
    with pytest.raises(EnrichmentError, match=r"FOOTFALL_TRUSTED_PROXIES: .*proxy\.example"):
        Enricher.of(Enrichment(trusted_proxies=("proxy.example",)))


def test_denied_names_are_in_neither_properties_nor_traits() -> None:
    told = Enrichment(deny_properties=("card", "birthday"))
    body = PAGE | {"properties": {"a": [{"Card": 1}]}, "traits": {"birthday": 2, "plan": "x"}}
    event = taken(body, told)
    assert bytes(event.properties) == b'{"a":[{}]}'
    assert bytes(event.traits) == b'{"plan":"x"}'


def test_a_denied_email_identifies_nobody() -> None:
    body = PAGE | {
        "userId": "u1",
        "traits": {"email": "zoe@example.com", "phone": "+44 20 7946 0000"},
    }
    event = taken(body, Enrichment(deny_properties=("Email",)), path="/v1/identify")
    assert event.identifiers == ("user_id:u1", "phone:+442079460000")
    assert b"zoe" not in msgspec.json.encode(event)


def test_an_order_of_somebody_who_is_denied_is_nobodys_and_is_no_reject() -> None:
    body = {"orderId": "1", "total": 5, "currency": "EUR", "customer": {"email": "zoe@example.com"}}
    event = taken(body, Enrichment(deny_properties=("email",)), path="/v1/purchases")
    assert (event.type, event.identifiers) == ("purchase", ())
    assert b"zoe" not in msgspec.json.encode(event)


def test_an_event_that_names_nobody_is_still_a_reject() -> None:
    body = {"orderId": "1", "total": 5, "currency": "EUR", "customer": {"name": "Zoe"}}
    request = Request("/v1/purchases", "", {}, json.dumps(body).encode(), NOW, "n", VISITOR)
    admitted = admit(request, {}, enricher=Enricher(denied=["email"]))
    assert [reject.reason for reject in admitted.rejects] == [Reason.MISSING_ID]


def test_of_posthogs_properties_neither_agent_nor_key_is_kept() -> None:
    properties = {"$device_id": "d", "token": "s3cret", "$raw_user_agent": PHONE, "a": 1}
    body = {"api_key": "k", "event": "$pageview", "distinct_id": "d", "properties": properties}
    event = taken(body, agent=SERVER, path="/capture")
    assert json.loads(bytes(event.properties)) == {"$device_id": "d", "a": 1}
    assert event.browser == "Chrome"


@pytest.mark.parametrize("key", ['"$ip"', '"\\u0024ip"'])
def test_posthogs_address_is_used_and_not_kept_among_the_properties(key: str) -> None:
    data = (
        '{"api_key":"k","event":"$pageview","distinct_id":"d","properties":{"$device_id":"d","a":1,'
        f'{key}:"{OTHER}","$raw_user_agent":"{PHONE}"}}}}'
    ).encode()
    request = Request("/capture", "", {"user-agent": SERVER}, data, NOW, "n", VISITOR)
    (event,) = admit(request, {}).events
    assert (event.ip, event.browser) == ("198.51.100.0", "Chrome")
    assert OTHER.encode() not in msgspec.json.encode(event)


def test_snowplows_address_and_agent_are_the_events() -> None:
    query = f"e=pv&eid=m&duid=dev-1&dtm={NOW}&aid=a&ip={OTHER}&ua=" + PHONE.replace(" ", "%20")
    event = taken({}, agent=SERVER, path="/i", query=query)
    assert (event.ip, event.browser, event.device_class) == ("198.51.100.0", "Chrome", "mobile")


def test_without_any_enrichment_an_event_says_what_it_said() -> None:
    event = taken(PAGE, agent="")
    assert (event.device_class, event.browser, event.ip, event.referrer_medium) == ("", "", "", "")
