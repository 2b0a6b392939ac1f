"""A browser's key is public: what it may not say changes nobody's profile and no revenue."""

import json
from typing import Any

import pytest

from collectors.admission import Admission, admit
from footfall.operations.doctor import keys
from schemas.keys import Keys, browser_keys, server_keys
from schemas.rejects import Reason
from tests.collectors.dialects.samples import SAMPLES, Sample
from tests.collectors.requests import basic, request
from tests.collectors.test_endpoint import Collector

PLAIN = browser_keys("key:shop")
ORDER = {
    "type": "track",
    "anonymousId": "a",
    "userId": "ada",
    "event": "Order Completed",
    "properties": {"order_id": "o-1", "total": 9.5, "currency": "EUR"},
}
PURCHASE = {"orderId": "o-1", "total": 9.5, "currency": "EUR", "customer": {"userId": "ada"}}


def sent(path: str, body: Any, keys: Keys, headers: dict[str, str] | None = None) -> Admission:
    return admit(request(path, body, headers={**basic("key"), **(headers or {})}), keys)


def reasons(admitted: Admission) -> list[Reason]:
    assert not admitted.events
    return [one.reason for one in admitted.rejects]


@pytest.mark.parametrize("path", ["/v1/track", "/v1/identify", "/v1/page", "/v1/group"])
def test_a_forged_user_id_opens_nobodys_profile(path: str) -> None:
    body = {
        "anonymousId": "a",
        "userId": "ada",
        "event": "x",
        "groupId": "g",
        "traits": {"email": "ada@example.org"},
        "context": {"traits": {"phone": "+43 660 1234567"}},
    }
    (event,) = sent(path, body, PLAIN).events
    assert (event.anonymous_id, event.identifiers, event.previous_id) == ("a", (), "")


def test_an_alias_without_the_right_joins_nothing() -> None:
    (event,) = sent(
        "/v1/alias", {"anonymousId": "a", "userId": "x", "previousId": "ada"}, PLAIN
    ).events
    assert (event.identifiers, event.previous_id) == ((), "")


def test_a_missing_key_is_told_how_to_send_one() -> None:
    (refused,) = admit(request("/v1/track", {"anonymousId": "a", "event": "x"}), PLAIN).rejects
    assert refused.detail.startswith("No key came: send it as Basic user (`curl -u KEY:`)")


def test_of_a_wrong_key_no_more_is_told_than_finds_it() -> None:
    headers = basic("wr0ng-secret")
    (refused,) = admit(request("/v1/track", {}, headers=headers), PLAIN).rejects
    assert refused.detail == "A key beginning wr0… is not set"


def test_whoever_is_nothing_but_forged_is_refused() -> None:
    admitted = sent("/v1/track", {"userId": "ada", "event": "x"}, PLAIN)
    assert (reasons(admitted), admitted.status) == ([Reason.NOT_ALLOWED], 403)
    assert admitted.rejects[0].site == "shop"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: one.name)
def test_no_dialect_lets_a_key_without_rights_sell(sample: Sample) -> None:
    (event,) = admit(sample.purchase(), browser_keys("k:shop")).events
    assert (event.type, event.event, event.order) == ("track", "Order Completed", None)


def test_an_order_without_the_right_is_seen_and_is_no_purchase() -> None:
    (event,) = sent("/v1/track", ORDER, PLAIN).events
    assert (event.type, event.event, event.order) == ("track", "Order Completed", None)
    assert json.loads(bytes(event.properties))["order_id"] == "o-1"


def test_what_is_taken_off_is_counted_by_right() -> None:
    collector = Collector(keys=PLAIN)
    batch = {"batch": [ORDER, {"type": "track", "anonymousId": "a", "userId": "u", "event": "x"}]}
    assert (
        collector.call("POST", "/v1/batch?writeKey=key", json.dumps(batch).encode()).status == 200
    )
    assert collector.metrics.withheld == {("shop", "identify"): 2, ("shop", "purchase"): 1}
    told = list(keys(collector.metrics.text().decode()))
    assert [one.text.split(" event")[0] for one in told] == ["site shop: 2", "site shop: 1"]


def test_rights_that_the_owner_gives_hold() -> None:
    (event,) = sent("/v1/track", ORDER, browser_keys("key:shop identify purchase")).events
    assert event.identifiers == ("user_id:ada",)
    assert event.order is not None
    (event,) = sent("/v1/track", ORDER, browser_keys("key:shop identify")).events
    assert (event.identifiers, event.order) == (("user_id:ada",), None)
    (event,) = sent("/v1/track", ORDER, browser_keys("key:shop purchase")).events
    assert event.identifiers == ()
    assert event.order is not None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/purchases", PURCHASE),
        ("/v1/import", {"batch": [ORDER]}),
        ("/v1/tickets", {"ticketId": "t", "customer": {"userId": "ada"}}),
    ],
)
def test_purchases_tickets_and_history_take_a_servers_key(path: str, body: Any) -> None:
    admitted = sent(path, body, browser_keys("key:shop identify purchase"))
    assert (reasons(admitted), admitted.status) == ([Reason.NOT_ALLOWED], 403)
    assert "FOOTFALL_SERVER_KEYS" in admitted.rejects[0].detail
    assert len(sent(path, body, server_keys("key:shop")).events) == 1


def test_a_survey_in_a_page_is_taken() -> None:
    body = {"anonymousId": "a", "kind": "nps", "score": 9, "customer": {"userId": "ada"}}
    (event,) = sent("/v1/feedback", body, PLAIN).events
    assert event.identifiers == ()


@pytest.mark.parametrize("name", ["Order Refunded", "Order Cancelled"])
def test_a_page_cannot_take_an_order_back_whatever_its_rights(name: str) -> None:
    taken_back = ORDER | {"event": name}
    (event,) = sent("/v1/track", taken_back, browser_keys("key:shop identify purchase")).events
    assert (event.type, event.event, event.order) == ("track", name, None)
    (event,) = sent("/v1/track", taken_back, server_keys("key:shop")).events
    assert event.order is not None


@pytest.mark.parametrize("header", ["origin", "referer"])
def test_a_secret_that_is_in_a_page_is_refused(header: str) -> None:
    admitted = sent("/v1/track", ORDER, server_keys("key:shop"), {header: "https://shop.example"})
    assert (reasons(admitted), admitted.status) == ([Reason.NOT_ALLOWED], 403)


BOUND = browser_keys("key:shop origin=https://shop.example")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://shop.example"},
        {"referer": "https://shop.example/cart?x=1"},
        {"origin": "https://shop.example", "referer": "https://evil.example/"},
    ],
    ids=str,
)
def test_a_bound_key_is_taken_from_its_pages(headers: dict[str, str]) -> None:
    assert len(sent("/v1/track", ORDER, BOUND, headers).events) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://shop.example"},
        {"origin": "https://shop.example.evil.example"},
        {"origin": "https://shop.example:8443"},
        {"referer": "https://evil.example/https://shop.example"},
        {"referer": "https://shop.example@evil"},
        {"origin": "https://evil.example", "referer": "https://shop.example/"},
    ],
    ids=str,
)
def test_a_bound_key_is_refused_from_anywhere_else(headers: dict[str, str]) -> None:
    admitted = sent("/v1/track", ORDER, BOUND, headers)
    assert (reasons(admitted), admitted.status) == ([Reason.FORBIDDEN_ORIGIN], 403)


def test_with_no_keys_configured_everything_is_the_default_sites() -> None:
    (event,) = sent("/v1/purchases", PURCHASE, {}, {"origin": "https://shop.example"}).events
    assert event.site == "default"
    assert event.order is not None
