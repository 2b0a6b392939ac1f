"""Every vendor: what its documented deliveries are, in our events."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.webhooks import ALL, stripe
from schemas.events import Event, Feedback, Ticket
from schemas.rejects import Reason
from schemas.rows import EventRow
from tests.collectors.webhooks.samples import (
    AT,
    FRESHDESK,
    INTERCOM,
    NOW,
    SAMPLES,
    SHOPIFY_ORDER,
    SIGN,
    STRIPE_SESSION,
    SURVEY,
    WOO_ORDER,
    ZENDESK,
    Sample,
    delivery,
    router,
)
from tests.pipeline.stages.visits.site import Site

ROUTER = router()


def told(vendor: str, body: Any, topic: str = "", **more: Any) -> list[Event]:
    """The events of a delivery of which nothing is refused."""
    admitted = ROUTER.admit(delivery(vendor, body, topic, **more))
    assert (admitted.status, admitted.rejects) == (200, [])
    return admitted.events


def refused(vendor: str, body: Any, topic: str = "") -> Reason:
    """The reason of a verified delivery that tells nothing we can take; it is answered 200."""
    admitted = ROUTER.admit(delivery(vendor, body, topic))
    assert (admitted.status, admitted.events) == (200, [])
    (reject,) = admitted.rejects
    assert reject.site == "shop"
    return reject.reason


def test_every_vendor_has_a_signature_and_a_delivery() -> None:
    """Freshdesk's rules send what their owner writes: its deliveries are tests of their own, below."""
    vendors = {vendor.name for vendor in ALL}
    assert vendors <= SIGN.keys()
    assert vendors - {sample.vendor for sample in SAMPLES} == {"freshdesk"}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: f"{one.vendor}: {one.name}")
def test_a_documented_delivery_is_these_events(sample: Sample) -> None:
    assert told(sample.vendor, sample.body, sample.topic) == sample.events


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: f"{one.vendor}: {one.name}")
def test_an_event_survives_the_log(sample: Sample) -> None:
    for event in told(sample.vendor, sample.body, sample.topic):
        line = msgspec.json.encode(event)
        assert b"\n" not in line
        assert msgspec.json.decode(line, type=Event) == event


def test_creation_and_payment_of_an_order_are_one_fact() -> None:
    created = told("shopify", SHOPIFY_ORDER, "orders/create")
    assert (
        told("shopify", SHOPIFY_ORDER | {"updated_at": "2026-12-01T00:00:00Z"}, "orders/paid")
        == created
    )
    later = WOO_ORDER | {"status": "completed", "date_modified_gmt": "2026-12-24T12:00:00"}
    assert told("woocommerce", later, "order.updated") == told(
        "woocommerce", WOO_ORDER, "order.created"
    )


def test_a_checkout_paid_later_is_one_fact_with_the_first_notice() -> None:
    later = STRIPE_SESSION | {
        "id": "evt_9",
        "created": 1795255000,
        "type": "checkout.session.async_payment_succeeded",
    }
    assert told("stripe", later) == told("stripe", STRIPE_SESSION)


def test_a_malformed_address_does_not_lose_the_order() -> None:
    (event,) = told(
        "shopify", SHOPIFY_ORDER | {"email": "jane at home", "customer": None}, "orders/paid"
    )
    assert event.identifiers == ()
    assert event.order is not None


def test_a_shop_s_cart_attributes_name_a_device_and_no_customer() -> None:
    forged: list[dict[str, Any]] = [
        {"name": "footfall_user_id", "value": "boss"},
        {"name": "userId", "value": "boss"},
        {"name": "footfall_anonymous_id", "value": ["a"]},
        {"name": {"x": 1}, "value": "y"},
    ]
    (event,) = told("shopify", SHOPIFY_ORDER | {"note_attributes": forged}, "orders/paid")
    assert event.anonymous_id == ""
    assert not [one for one in event.identifiers if one.startswith("user_id")]


@pytest.mark.parametrize(
    ("currency", "minor", "major"),
    [
        ("usd", 2198, "21.98"),
        ("JPY", 500, "500"),
        ("kwd", 5120, "5.120"),
        ("isk", 500, "5.00"),
        ("eur", 1, "0.01"),
        ("eur", -250, "-2.50"),
        ("xof", 0, "0"),
    ],
)
def test_minor_units_are_those_of_the_currency(currency: str, minor: int, major: str) -> None:
    assert stripe.amount(minor, currency) == Decimal(major)


@given(st.integers(-(10**13), 10**13))
def test_minor_units_lose_nothing(minor: int) -> None:
    assert stripe.amount(minor, "eur") * 100 == minor
    assert stripe.amount(minor, "bhd") * 1000 == minor


@given(st.decimals(0, 10**12, places=2))
def test_money_written_as_text_is_exact(price: Decimal) -> None:
    line = {"product_id": 1, "title": "x", "quantity": 1, "price": str(price)}
    body = SHOPIFY_ORDER | {"line_items": [line], "total_price": str(price)}
    (event,) = told("shopify", body, "orders/paid")
    assert event.order is not None
    assert (event.order.total, event.order.items[0].price) == (price, price)


@given(st.integers(-14, 14), st.integers(0, 3599))
def test_the_same_moment_in_any_zone_is_the_same_time(hours: int, second: int) -> None:
    shown = (second + hours * 3600) % 86400
    day = 21 + (12 * 3600 + second + hours * 3600) // 86400
    clock = (12 * 3600 + shown) % 86400
    text = (
        f"2026-11-{day:02}T{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}{hours:+03}:00"
    )
    (event,) = told("shopify", SHOPIFY_ORDER | {"created_at": text}, "orders/paid")
    assert event.time == AT + 3 * 3_600_000 + second * 1000


def test_a_generic_time_without_a_zone_is_in_the_mapping_s() -> None:
    paid = {"state": "paid", "sum": 1, "invoice": {"id": "1"}, "paid_at": "2026-07-01 12:00:00"}
    body = {"data": paid}
    (event,) = told("billing", body)
    assert event.time == 1_782_900_000_000  # 10:00 UTC: summer time in Berlin


def test_a_generic_survey_is_feedback() -> None:
    (event,) = told("surveys", SURVEY)
    assert event.feedback == Feedback("nps", 3, "meh")
    assert (event.time, event.identifiers) == (AT, ("email:bo@example.com",))


def test_a_rating_keeps_its_remark() -> None:
    (event,) = told("intercom", INTERCOM)
    assert event.ticket == Ticket("147", "rated", "conversation", "", "not_priority", 2)
    assert msgspec.json.decode(bytes(event.properties)) == {"remark": "slow"}
    assert (event.message_id, event.time) == ("intercom:notif_1", AT)


@pytest.mark.parametrize(
    ("given", "stars"),
    [("Good, I am satisfied", 5), ("Bad", 1), ("bad, with comment", 1), ("3", 3), (4, 4)],
)
def test_a_zendesk_trigger_tells_a_rating_and_an_address(given: Any, stars: int) -> None:
    body = {
        "ticket_id": "5158",
        "action": "rated",
        "rating": given,
        "comment": "ok",
        "email": "Ann@example.com",
        "requester_id": "8",
        "time": "2026-11-21T09:00:00Z",
    }
    (event,) = told("zendesk", body)
    assert event.ticket == Ticket("5158", "rated", rating=stars)
    assert event.identifiers == ("email:ann@example.com", "crm:zendesk:8")
    assert event.time == AT


@pytest.mark.parametrize(
    ("triggered", "action"),
    [
        ("{ticket_action:created}", "created"),
        ("{reply_sent:sent}", "answered"),
        ("{status:{from:2,to:4}}", "solved"),
        ("{status:{from:Open,to:Closed}}", "solved"),
        ("{status:{from:5,to:2}}", "reopened"),
        ("{status:{from:Resolved,to:Open}}", "reopened"),
        ("{status:{from:4,to:5}}", None),
        ("{status:{from:2,to:3}}", None),
        ("{priority:{from:2,to:4}}", None),
        ("{note_type:private}", None),
        (None, None),
    ],
)
def test_freshdesk_s_triggered_event_says_what_happened(triggered: str | None, action: Any) -> None:
    body = {"freshdesk_webhook": FRESHDESK["freshdesk_webhook"] | {"triggered_event": triggered}}
    events = told("freshdesk", body)
    assert [event.ticket.action for event in events if event.ticket] == ([action] if action else [])


def test_a_freshdesk_ticket_has_its_customer_and_its_words() -> None:
    (event,) = told("freshdesk", FRESHDESK)
    assert event.ticket == Ticket("91", "solved", "Email", "Où est mon thé ?", "Medium")
    assert event.identifiers == ("email:zoé@example.com", "phone:0305550100")
    assert event.time == NOW


@pytest.mark.parametrize(
    ("given", "stars"), [(103, 5), (101, 4), (100, 3), (-102, 2), (-103, 1), (4, 4)]
)
def test_freshdesk_s_seven_ratings_are_five(given: int, stars: int) -> None:
    body = {"freshdesk_webhook": {"ticket_id": 1, "action": "rated", "rating": given}}
    (event,) = told("freshdesk", body)
    assert event.ticket is not None
    assert event.ticket.rating == stars


@pytest.mark.parametrize(
    ("vendor", "body", "topic", "reason"),
    [
        ("shopify", b"no json", "orders/paid", Reason.BAD_JSON),
        ("shopify", {"id": "x"}, "orders/paid", Reason.BAD_ORDER),
        (
            "shopify",
            SHOPIFY_ORDER | {"created_at": "yesterday"},
            "orders/paid",
            Reason.TIME_OUT_OF_RANGE,
        ),
        ("shopify", SHOPIFY_ORDER | {"total_price": "NaN"}, "orders/paid", Reason.BAD_ORDER),
        ("shopify", SHOPIFY_ORDER | {"currency": "dollars"}, "orders/paid", Reason.BAD_ORDER),
        (
            "shopify",
            SHOPIFY_ORDER
            | {
                "line_items": [
                    {"product_id": n, "title": "t" * 999, "quantity": 1} for n in range(999)
                ]
            },
            "orders/paid",
            Reason.EVENT_TOO_LARGE,
        ),
        ("shopify", b"\xff\xfe", "orders/paid", Reason.BAD_ENCODING),
        ("stripe", {"id": "evt"}, "", Reason.BAD_SHAPE),
        ("zendesk", ZENDESK | {"detail": {}}, "", Reason.BAD_TICKET),
        (
            "zendesk",
            {"ticket_id": 1, "action": "rated", "rating": "offered"},
            "",
            Reason.BAD_TICKET,
        ),
        (
            "freshdesk",
            {"freshdesk_webhook": {"ticket_id": 1, "action": "rated"}},
            "",
            Reason.BAD_TICKET,
        ),
        ("surveys", SURVEY | {"answer": {"score": 11}}, "", Reason.BAD_FEEDBACK),
        ("surveys", SURVEY | {"at": "soon"}, "", Reason.TIME_OUT_OF_RANGE),
        ("billing", b"[" * 100_000, "", Reason.BAD_JSON),
        ("intercom", b'{"a":' * 100_000, "", Reason.BAD_JSON),
    ],
)
def test_a_verified_delivery_that_cannot_be_taken_is_a_reject_and_no_4xx(
    vendor: str, body: Any, topic: str, reason: Reason
) -> None:
    assert refused(vendor, body, topic) == reason


def test_an_order_of_a_thousand_lines_is_taken() -> None:
    lines = [
        {"product_id": n, "title": f"Thing {n}", "quantity": 1, "price": "1.00"}
        for n in range(1, 1001)
    ]
    (event,) = told("shopify", SHOPIFY_ORDER | {"line_items": lines}, "orders/paid")
    assert event.order is not None
    assert len(event.order.items) == 1000


@pytest.mark.parametrize(
    "sample", [one for one in SAMPLES if one.events], ids=lambda one: f"{one.vendor}: {one.name}"
)
def test_a_repeated_delivery_counts_once_in_the_pipeline(sample: Sample) -> None:
    first = told(sample.vendor, sample.body, sample.topic)
    again = told(sample.vendor, sample.body, sample.topic, now=NOW + 200_000)
    site = Site().take(*first).take(*again)
    assert len(site.rows(EventRow)) == len(sample.events)


def test_a_freshdesk_delivery_repeated_the_same_day_has_the_same_name() -> None:
    names = [
        told("freshdesk", FRESHDESK, now=NOW + hours * 3_600_000)[0].message_id
        for hours in (0, 5, 24)
    ]
    assert names[0] == names[1] != names[2]
