"""Purchases, tickets and feedback as shops and help desks post them."""

from decimal import Decimal
from typing import Any

import pytest

from schemas.events import Feedback, Item, Order, Ticket
from schemas.rejects import Reason
from tests.collectors.requests import AT, basic, event, reject, sent

WHO: dict[str, Any] = {"customer": {"userId": "zoe"}}
PURCHASE = WHO | {
    "orderId": "1001",
    "time": AT,
    "currency": "EUR",
    "items": [{"productId": "tea", "name": "Assam", "quantity": 2, "price": "24.90"}],
}


def test_a_purchase_is_an_order_of_its_customer() -> None:
    taken = event("/v1/purchases", PURCHASE)
    assert taken.type == "purchase"
    assert taken.identifiers == ("user_id:zoe",)
    item = Item("tea", "Assam", "", 2, Decimal("24.90"))
    assert taken.order == Order("1001", "completed", "EUR", Decimal("49.80"), (item,))


def test_a_refund_without_items_names_the_order_only() -> None:
    taken = event("/v1/purchases", WHO | {"orderId": 1001, "status": "refunded", "total": 49.8})
    assert taken.order == Order("1001", "refunded", "", Decimal("49.8"))


def test_a_ticket_has_its_step() -> None:
    body = WHO | {"ticketId": 77, "action": "rated", "rating": 2, "subject": "Broken cup ☕"}
    taken = event("/v1/tickets", body)
    assert taken.ticket == Ticket("77", "rated", subject="Broken cup ☕", rating=2)


def test_feedback_has_its_score() -> None:
    body = {"anonymousId": "d", "kind": "nps", "score": 0, "comment": "No."}
    taken = event("/v1/feedback", body)
    assert taken.feedback == Feedback("nps", 0, "No.")
    assert taken.anonymous_id == "d"


@pytest.mark.parametrize(
    "many",
    [[PURCHASE, PURCHASE], {"batch": [PURCHASE, PURCHASE], "sentAt": AT}],
)
def test_several_objects_come_as_a_list_or_a_batch(many: Any) -> None:
    assert len(sent("/v1/purchases", many).events) == 2


def test_a_bad_object_of_several_is_rejected_alone() -> None:
    admitted = sent("/v1/purchases", [PURCHASE, WHO])
    assert (admitted.status, len(admitted.events)) == (200, 1)
    assert [one.reason for one in admitted.rejects] == [Reason.BAD_ORDER]


@pytest.mark.parametrize(
    "customer", [{"email": "zoe"}, {"phone": "12"}, {"email": "x" * 257 + "@a.b"}]
)
def test_a_declared_identifier_that_is_malformed_is_refused(customer: dict[str, str]) -> None:
    refused = reject("/v1/purchases", PURCHASE | {"customer": customer})
    assert refused.reason is Reason.BAD_IDENTIFIER


def test_nobody_cannot_buy() -> None:
    refused = reject("/v1/purchases", PURCHASE | {"customer": {"userId": ""}})
    assert refused.reason is Reason.MISSING_ID


@pytest.mark.parametrize(
    "wrong", [{"orderId": ""}, {"status": "lost"}, {"items": 7}, {"total": "x"}]
)
def test_a_purchase_that_cannot_be_read_is_rejected(wrong: dict[str, Any]) -> None:
    assert reject("/v1/purchases", PURCHASE | wrong).reason is Reason.BAD_ORDER


def test_a_purchase_of_nothing_for_nothing_is_rejected() -> None:
    refused = reject("/v1/purchases", WHO | {"orderId": "1"})
    assert (refused.reason, refused.detail) == (Reason.BAD_ORDER, "Neither `items` nor `total`")
    assert event("/v1/purchases", WHO | {"orderId": "1", "total": 0}).order
    assert event("/v1/purchases", WHO | {"orderId": "1", "status": "cancelled"}).order


@pytest.mark.parametrize(
    ("path", "wrong", "takes"),
    [
        ("/v1/purchases", {"orderId": "1", "status": "lost"}, "completed, refunded, cancelled"),
        (
            "/v1/tickets",
            {"ticketId": "1", "action": "lost"},
            "created, answered, solved, reopened, rated",
        ),
        ("/v1/feedback", {"kind": "mood"}, "csat, nps, ces, comment"),
    ],
)
def test_a_word_that_is_none_of_the_choices_is_told_which_there_are(
    path: str, wrong: dict[str, Any], takes: str
) -> None:
    assert reject(path, WHO | wrong).detail.endswith(f"; it takes {takes}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"ticketId": ""},
        {"action": "lost"},
        {"action": "rated"},
        {"rating": 3},
        {"action": "rated", "rating": 6},
    ],
)
def test_a_ticket_that_cannot_be_read_is_rejected(wrong: dict[str, Any]) -> None:
    assert reject("/v1/tickets", WHO | {"ticketId": "1"} | wrong).reason is Reason.BAD_TICKET


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "mood"},
        {"kind": "csat"},
        {"kind": "csat", "score": 0},
        {"kind": "nps", "score": 11},
        {"kind": "comment", "score": 1},
        {"score": 3},
    ],
)
def test_feedback_that_cannot_be_read_is_rejected(wrong: dict[str, Any]) -> None:
    assert reject("/v1/feedback", WHO | wrong).reason is Reason.BAD_FEEDBACK


def test_a_customer_can_opt_out() -> None:
    assert event("/v1/purchases", PURCHASE | {"optOut": True}).opt_out


def test_a_time_may_be_milliseconds() -> None:
    taken = event("/v1/purchases", PURCHASE | {"time": 1_795_255_200_000}, headers=basic("k"))
    assert taken.time == 1_795_255_200_000
