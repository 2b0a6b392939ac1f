"""The oracle on cases small enough to be counted by hand."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults import traffic
from tests.faults.oracle import GAP, HORIZON, Attempt, Session, Truth, recount

Item = dict[str, Any]


def line(*items: Item, status: int = 200, path: str = "/v1/batch") -> str:
    return json.dumps({"path": path, "status": status, "body": {"batch": items}})


def page(message_id: str, time: int, path: str = "/", device: str = "d") -> Item:
    return item(message_id, time, device) | {"type": "page", "properties": {"path": path}}


def identify(message_id: str, time: int, user: str, email: str = "") -> Item:
    traits = {"email": email} if email else {}
    return item(message_id, time) | {"type": "identify", "userId": user, "traits": traits}


def item(message_id: str, time: int, device: str = "d") -> Item:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=time)
    stamp = moment.isoformat(timespec="milliseconds")
    return {"messageId": message_id, "timestamp": stamp, "anonymousId": device}


def truth(*items: Item) -> Truth:
    return recount([line(*items)])


def test_a_refused_body_counts_nothing() -> None:
    assert recount([line(page("a", 1), status=503)]) == Truth(0, {}, [], [], {})


def test_a_repeat_is_accepted_but_stored_once() -> None:
    counted = recount([line(page("a", 1)), line(page("a", 1))])
    assert counted.accepted == 2
    assert counted.events == {"a": ("d", "page", 1)}


def test_a_pause_of_exactly_the_gap_stays_in_the_session() -> None:
    counted = truth(page("a", 0, "/x"), page("b", GAP, "/y"))
    assert counted.sessions == [Session("d", 0, GAP, 2, 2, "/x", "/y")]


def test_a_pause_longer_than_the_gap_splits_the_session() -> None:
    counted = truth(page("a", 0, "/x"), page("b", GAP + 1, "/y"))
    assert [session.start for session in counted.sessions] == [0, GAP + 1]


def test_two_devices_have_two_sessions() -> None:
    assert len(truth(page("a", 0, device="d"), page("b", 0, device="e")).sessions) == 2


def test_an_event_without_a_device_has_no_session() -> None:
    counted = truth(page("a", 0, device=""))
    assert (list(counted.events), counted.sessions, counted.attempts) == (["a"], [], [])


def test_the_horizons_end_belongs_to_the_attempt() -> None:
    counted = truth(page("a", 0, "/x"), page("b", HORIZON, "/x"), page("c", HORIZON, "/y"))
    assert counted.attempts == [
        Attempt("d", "/x", 0, "a", ("/y",)),
        Attempt("d", "/y", HORIZON, "c", ()),
    ]


def test_a_view_after_the_horizon_opens_another_attempt() -> None:
    counted = truth(page("a", 0, "/x"), page("b", HORIZON + 1, "/x"))
    assert [attempt.time for attempt in counted.attempts] == [0, HORIZON + 1]


def test_equal_times_are_ordered_by_message_id() -> None:
    counted = truth(page("b", 0, "/y"), page("a", 0, "/x"))
    assert counted.attempts == [
        Attempt("d", "/x", 0, "a", ("/y",)),
        Attempt("d", "/y", 0, "b", ()),
    ]


def test_only_the_first_eight_distinct_steps_are_kept() -> None:
    views = [page(f"m{n:02}", n, f"/{n:02}") for n in range(12)]
    assert truth(*views).attempts[0].next == tuple(f"/{n:02}" for n in range(1, 9))


def test_a_completed_order_is_a_step_but_no_view() -> None:
    order = item("b", 1) | {"type": "track", "event": "Order Completed"}
    counted = truth(page("a", 0, "/pay"), order)
    assert counted.attempts == [Attempt("d", "/pay", 0, "a", ("Order Completed",))]
    assert counted.events["b"] == ("d", "purchase", 1)


def test_a_refund_is_no_step_and_a_ticket_no_activity() -> None:
    refund = item("b", 1) | {"orderId": "1", "status": "refunded"}
    ticket = item("c", GAP) | {"ticketId": "1"}
    lines = [line(page("a", 0)), line(refund, path="/v1/purchases")]
    counted = recount([*lines, line(ticket, path="/v1/tickets")])
    assert counted.attempts == [Attempt("d", "/", 0, "a", ())]
    assert counted.sessions == [Session("d", 0, 1, 2, 1, "/", "/")]
    assert counted.events["c"] == ("d", "ticket", GAP)


def test_a_shared_address_does_not_make_two_users_one() -> None:
    people = truth(
        identify("a", 0, "1", "z@x.example"), identify("b", 1, "2", "Z@x.example")
    ).people
    assert people["user_id:1"] == people["email:z@x.example"] != people["user_id:2"]


def test_an_alias_makes_two_users_one() -> None:
    alias = item("c", 2) | {"type": "alias", "userId": "2", "previousId": "1"}
    people = truth(identify("a", 0, "1"), identify("b", 1, "2"), alias).people
    assert people["user_id:1"] == people["user_id:2"]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_changes_nothing(seed: int) -> None:
    sent = traffic.sendings(seed, 500)
    again = traffic.shuffled(sent, seed)
    assert again != sent
    one, other = (
        recount(json.dumps({"status": 200, **sending._asdict()}) for sending in each)
        for each in (sent, again)
    )
    assert one == other
