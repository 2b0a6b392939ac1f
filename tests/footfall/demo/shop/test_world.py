"""The whole shop: what it sends is admitted whole, in order, and what is planted is in it."""

from collections import Counter
from itertools import pairwise

from collectors import admission
from collectors.dialects.contract import Request
from footfall.demo.shop.dice import DAY
from footfall.demo.shop.world import World
from schemas.events import Event

BEGIN = 1_780_012_800_000
WORLD = World(5, BEGIN, customer_count=300, visit_count=800)


def _events() -> list[Event]:
    events = []
    for number, request in enumerate(WORLD.requests):
        sent = Request(request.path, "", {}, request.body, request.time, str(number))
        admitted = admission.admit(sent, {})
        assert admitted.status == 200
        assert len(admitted.events) == request.events
        events += admitted.events
    return events


EVENTS = _events()


def test_requests_are_in_time_order_within_the_day() -> None:
    times = [request.time for request in WORLD.requests]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert times[0] >= BEGIN
    assert times[-1] < BEGIN + DAY


def test_a_lane_sends_its_events_in_their_own_order() -> None:
    last: dict[str, int] = {}
    for event in EVENTS:
        if event.anonymous_id:
            assert last.get(event.anonymous_id, 0) < event.time
            last[event.anonymous_id] = event.time


def test_no_two_events_have_the_same_message_id() -> None:
    assert max(Counter(event.message_id for event in EVENTS).values()) == 1


def test_every_kind_of_event_is_there() -> None:
    kinds = {event.type for event in EVENTS}
    assert kinds == {"page", "track", "identify", "purchase", "ticket", "feedback"}


def test_tickets_live_and_some_are_rated() -> None:
    actions = Counter(event.ticket.action for event in EVENTS if event.ticket)
    assert set(actions) == {"created", "answered", "solved", "reopened", "rated"}
    again = actions["reopened"]
    assert actions["created"] + again >= actions["answered"] >= actions["solved"] > again


def test_the_break_raises_the_number_of_new_tickets_about_the_checkout() -> None:
    about = [e.time for e in EVENTS if e.ticket and "checkout" in e.ticket.subject]
    assert about
    assert sum(time >= WORLD.planted.broke_at for time in about) / len(about) > 0.8


def test_the_planted_people_are_those_whose_identifiers_the_events_assert() -> None:
    asserted = {
        f"device:{event.anonymous_id}"
        for event in EVENTS
        if event.identifiers and event.anonymous_id
    }
    owned = {
        identifier: person
        for identifier, person in WORLD.planted.person_of.items()
        if identifier.startswith("device:") and person != identifier
    }
    assert set(owned) == asserted
    assert len(set(owned.values())) < len(owned)


def test_whoever_logs_in_has_an_order_that_tells_user_id_and_address_together() -> None:
    buyers = {order.customer.user_id for order in WORLD.orders}
    people = {p for p in WORLD.planted.person_of.values() if not p.startswith("device:")}
    assert people == buyers


def test_a_device_nobody_logs_in_on_belongs_to_nobody() -> None:
    strangers = [i for i, person in WORLD.planted.person_of.items() if i == person]
    assert len(strangers) > 100


def test_what_somebody_bought_on_the_day_is_no_longer_due() -> None:
    pairs = {
        (event.identifiers[0].removeprefix("user_id:"), item.product_id)
        for event in EVENTS
        if event.order and event.identifiers
        for item in event.order.items
    }
    assert pairs
    assert not pairs & WORLD.planted.due


def test_the_same_seed_gives_the_same_bytes() -> None:
    again = World(5, BEGIN, customer_count=300, visit_count=800)
    assert again.requests == WORLD.requests
    assert again.planted == WORLD.planted
    other = World(6, BEGIN, customer_count=300, visit_count=800)
    assert other.requests != WORLD.requests
