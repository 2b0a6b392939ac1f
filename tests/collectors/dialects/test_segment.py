"""The Segment API as stock SDKs really use it; each trap was seen on the wire."""

import json
from decimal import Decimal
from typing import Any

import pytest

from schemas.events import Item, Order
from schemas.rejects import Reason
from tests.collectors.requests import AT, event, reject, sent
from tests.collectors.test_endpoint import Collector

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Mobile/15E148 Safari/604"
DEVICE = {"anonymousId": "device-1", "timestamp": AT}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/track", "track"),
        ("/v1/page", "page"),
        ("/v1/screen", "screen"),
        ("/v1/identify", "identify"),
        ("/v1/group", "group"),
        ("/v1/reset", "reset"),
        ("/v1/t", "track"),
        ("/v1/p", "page"),
        ("/v1/s", "screen"),
        ("/v1/i", "identify"),
        ("/v1/g", "group"),
    ],
)
def test_a_path_names_the_type_of_its_event(path: str, kind: str) -> None:
    assert event(path, DEVICE | {"type": "screen"}).type == kind


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import"])
def test_in_a_batch_each_event_names_its_type(path: str) -> None:
    batch = [DEVICE | {"type": "page"}, DEVICE | {"type": "identify", "userId": "u"}]
    admitted = sent(path, {"batch": batch, "sentAt": AT})
    assert [one.type for one in admitted.events] == ["page", "identify"]


def test_an_empty_batch_is_fine() -> None:
    assert sent("/v1/batch", {"batch": []})[:3] == (200, [], [])


@pytest.mark.parametrize("absent", [None, ""])
def test_a_user_id_of_null_or_nothing_is_absent(absent: str | None) -> None:
    assert event("/v1/page", DEVICE | {"userId": absent}).identifiers == ()


def test_a_numeric_user_id_is_text() -> None:
    assert event("/v1/identify", {"userId": 42, "anonymousId": None}).identifiers == ("user_id:42",)


def test_identifiers_are_normalised_and_in_rank_order() -> None:
    traits = {
        "email": " Zoe@Example.COM ",
        "phone": "0049 170 1234567",
        "crmId": 7,
        "social": "twitter:@Zoe",
    }
    taken = event("/v1/identify", DEVICE | {"userId": "zoe", "traits": traits})
    assert taken.identifiers == (
        "user_id:zoe",
        "email:zoe@example.com",
        "phone:+491701234567",
        "crm:7",
        "social:twitter:@zoe",
    )


def test_rudderstack_sends_traits_in_the_context_only() -> None:
    taken = event("/v1/identify", DEVICE | {"context": {"traits": {"email": "a@b.co"}}})
    assert taken.identifiers == ("email:a@b.co",)
    assert json.loads(bytes(taken.traits)) == {"email": "a@b.co"}


def test_a_trait_that_is_not_shaped_like_an_identifier_is_not_one() -> None:
    traits = {"email": "n/a", "phone": ["1"], "crm_id": True, "social": None}
    assert event("/v1/identify", DEVICE | {"traits": traits}).identifiers == ()


def test_the_traits_of_a_group_are_not_the_visitors() -> None:
    taken = event("/v1/group", DEVICE | {"groupId": "acme", "traits": {"email": "info@acme.co"}})
    assert taken.identifiers == ()
    assert taken.event == "acme"


def test_an_alias_joins_the_previous_user() -> None:
    taken = event("/v1/alias", DEVICE | {"userId": "new", "previousId": "old"})
    assert (taken.identifiers, taken.previous_id) == (("user_id:new",), "user_id:old")


@pytest.mark.parametrize("previous", ["device-1", "new"])
def test_an_alias_of_its_own_device_or_user_joins_nothing_else(previous: str) -> None:
    taken = event("/v1/alias", DEVICE | {"userId": "new", "previousId": previous})
    assert (taken.identifiers, taken.previous_id) == (("user_id:new",), "")


def test_an_alias_needs_both_its_ids() -> None:
    assert reject("/v1/alias", DEVICE | {"previousId": "x"}).reason is Reason.MISSING_ID
    assert reject("/v1/alias", DEVICE | {"userId": "x"}).reason is Reason.BAD_SHAPE


def test_a_reset_asserts_nobody_and_needs_a_device() -> None:
    assert event("/v1/reset", DEVICE | {"userId": "u"}).identifiers == ()
    assert reject("/v1/reset", {"userId": "u"}).reason is Reason.MISSING_ID


def test_a_page_says_where_it_is_and_the_context_fills_in() -> None:
    context = {"page": {"url": "https://s.co/old", "path": "/old", "title": "T", "referrer": None}}
    taken = event("/v1/page", DEVICE | {"properties": {"path": "/new"}, "context": context})
    assert (taken.path, taken.url, taken.title) == ("/new", "https://s.co/old", "T")


def test_a_track_stands_on_its_contexts_page_not_on_its_properties() -> None:
    body = DEVICE | {"properties": {"path": "/secret"}, "context": {"page": {"path": "/cart"}}}
    assert event("/v1/track", body).path == "/cart"


def test_a_title_that_is_no_text_is_left_out() -> None:
    assert event("/v1/page", DEVICE | {"properties": {"title": 7}}).title == ""


@pytest.mark.parametrize("value", ["text", 7, ["list"], True])
def test_properties_must_be_an_object(value: Any) -> None:
    assert reject("/v1/track", DEVICE | {"properties": value}).reason is Reason.BAD_SHAPE


def test_the_contexts_user_agent_wins_over_the_servers() -> None:
    body = DEVICE | {"context": {"userAgent": IPHONE}}
    assert event("/v1/page", body, headers={"user-agent": CHROME}).device_class == "mobile"
    assert event("/v1/page", DEVICE, headers={"user-agent": CHROME}).device_class == "desktop"


def test_gpc_and_withdrawn_consent_opt_out() -> None:
    consent = {"consent": {"categoryPreferences": {"Advertising": False, "Analytics": True}}}
    assert event("/v1/page", DEVICE, headers={"sec-gpc": "1"}).opt_out
    assert event("/v1/page", DEVICE | {"context": {"gpc": True}}).opt_out
    assert event("/v1/page", DEVICE | {"context": consent}).opt_out
    assert not event("/v1/page", DEVICE, headers={"sec-gpc": "0"}).opt_out


def test_the_original_timestamp_wins() -> None:
    body = DEVICE | {"timestamp": "2026-11-21T11:00:00Z", "originalTimestamp": AT}
    assert event("/v1/track", body).time == event("/v1/track", DEVICE).time


ORDER = {
    "order_id": 1001,
    "total": "49.80",
    "revenue": 40,
    "currency": "eur",
    "products": [
        {"product_id": "tea", "name": "Assam ☕", "category": "Tea", "quantity": 2, "price": 24.9},
        {"sku": "cup"},
    ],
}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("Order Completed", "completed"),
        ("Order Refunded", "refunded"),
        ("Order Cancelled", "cancelled"),
    ],
)
def test_an_order_event_is_a_purchase(name: str, status: Any) -> None:
    taken = event("/v1/track", DEVICE | {"event": name, "properties": ORDER})
    assert (taken.type, taken.event) == ("purchase", name)
    assert taken.order == Order(
        "1001",
        status,
        "EUR",
        Decimal("49.80"),
        (Item("tea", "Assam ☕", "Tea", 2, Decimal("24.9")), Item("cup")),
    )


def test_without_a_total_an_order_costs_its_revenue_or_its_items() -> None:
    def total(**properties: Any) -> Decimal:
        given = {"order_id": "1", **properties}
        taken = event("/v1/track", DEVICE | {"event": "Order Completed", "properties": given})
        assert taken.order is not None
        return taken.order.total

    assert total(revenue=9.5) == Decimal("9.5")
    assert total(products=[{"product_id": "a", "price": 1.1, "quantity": 3}]) == Decimal("3.3")
    assert total() == 0


def test_amounts_are_kept_to_four_places() -> None:
    items = [{"product_id": "a", "price": "0.00005"}, {"product_id": "b", "price": "1e-999999"}]
    body = DEVICE | {"event": "Order Completed", "properties": ORDER | {"products": items}}
    taken = event("/v1/track", body)
    assert taken.order is not None
    assert [item.price for item in taken.order.items] == [Decimal("0.0000"), Decimal("0.0000")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"order_id": ""},
        {"order_id": None},
        {"total": "a lot"},
        {"total": "NaN"},
        {"total": 1e14},
        {"total": "1e999999999"},
        {"total": "-1e999999999"},
        {"products": {}},
        {"products": [{}]},
        {"products": [{"product_id": "a", "quantity": 0}]},
        {"products": [{"product_id": "a", "quantity": 1.5}]},
        {"products": [{"product_id": "a", "price": [1]}]},
        {"currency": "euro"},
        {"order_id": "x" * 257},
    ],
)
def test_an_order_that_cannot_be_read_is_rejected(wrong: dict[str, Any]) -> None:
    body = DEVICE | {"event": "Order Completed", "properties": ORDER | wrong}
    assert reject("/v1/track", body).reason is Reason.BAD_ORDER


def test_a_reject_names_the_field_but_not_its_value() -> None:
    refused = reject("/v1/track", DEVICE | {"event": {"secret": 1}})
    assert "$.event" in refused.detail
    assert "secret" not in refused.detail


@pytest.mark.parametrize("field", ["anonymousId", "userId", "previousId"])
def test_an_identifier_of_more_than_256_characters_is_refused(field: str) -> None:
    body = {"anonymousId": "a", "userId": "u", "previousId": "p", field: "x" * 257}
    assert reject("/v1/alias", body).reason is Reason.BAD_IDENTIFIER


@pytest.mark.parametrize("field", ["messageId", "event"])
def test_long_text_of_the_events_own_is_refused(field: str) -> None:
    assert reject("/v1/track", DEVICE | {field: "x" * 9_000}).reason is Reason.BAD_SHAPE


def test_what_the_browser_sdk_asks_of_its_cdn_names_no_other_destination() -> None:
    answer = Collector().call("GET", "/v1/projects/k-1/settings")
    assert json.loads(answer.body)["integrations"] == {"Segment.io": {"apiKey": "k-1"}}
    assert Collector().call("GET", '/v1/projects/k"1/settings').status == 404


@pytest.mark.parametrize(
    ("url", "path"),
    [("https://s.co/cup?a#b", "/cup"), ("https://s.co", "/"), ("cup", ""), ("http://[x", "")],
)
def test_a_page_that_gives_no_path_has_its_urls(url: str, path: str) -> None:
    assert event("/v1/page", DEVICE | {"properties": {"url": url}}).path == path
