"""`visits`: sessions, attempts and assertions come out the same in any order of arrival."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine.stage import Emit, Record
from pipeline.stages.visits import stage
from pipeline.stages.visits.dedup_index import MAX_DIGESTS
from pipeline.stages.visits.device import MAX_RECENT_EVENTS, Device
from pipeline.stages.visits.state import VisitsState
from schemas import topics
from schemas.events import Event, Order, tick
from schemas.rows import AccountingRow, AssertionRow, EventRow, RejectRow
from tests.pipeline.stages.visits.site import MINUTE, START, Site, end_of_time, event, pages, record


def test_events_without_a_long_pause_are_one_session() -> None:
    site = Site().take(event(0), event(30), event(60), end_of_time())
    assert site.sessions() == [(0, 60, 3)]


def test_a_pause_of_more_than_thirty_minutes_begins_a_new_session() -> None:
    site = Site().take(event(0), event(30.001), end_of_time())
    assert site.sessions() == [(0, 0, 1), (30.001, 30.001, 1)]


def test_a_session_is_written_when_it_is_over_and_not_before() -> None:
    site = Site().take(event(0), end_of_time(30))
    assert site.sessions() == []
    assert site.take(end_of_time(30.1)).sessions() == [(0, 0, 1)]


def test_a_late_event_extends_a_written_session_to_the_front_and_withdraws_the_old_row() -> None:
    site = Site().take(event(10), end_of_time(60)).take(event(0), end_of_time(61))
    assert site.sessions() == [(0, 10, 2)]


def test_a_late_event_between_two_written_sessions_merges_them() -> None:
    site = Site().take(event(0), event(40), end_of_time(100))
    assert len(site.sessions()) == 2
    assert site.take(event(20), end_of_time(101)).sessions() == [(0, 40, 3)]


def test_a_clock_in_2038_disturbs_no_other_device() -> None:
    ahead = 2_147_483_647_000
    strange = Event(
        type="page",
        site="shop",
        time=ahead,
        received_at=START,
        anonymous_id="odd",
        message_id="x",
        path="/",
    )
    site = Site().take(strange, event(0), end_of_time(20))
    site.take(event(25), *map(end_of_time, (30, 40, 50, 56)))
    assert (0.0, 25.0, 2) in site.sessions()


def test_the_same_message_sent_again_counts_once_and_is_in_the_books() -> None:
    site = Site().take(event(0), event(0)).take(event(0), end_of_time())
    assert site.sessions() == [(0, 0, 1)]
    assert len(site.rows(EventRow)) == 1
    books = site.rows(AccountingRow)
    assert [(b["declared"], b["stored"], b["deduplicated"]) for b in books] == [
        (2, 1, 1),
        (1, 0, 1),
    ]


def test_a_purchase_without_a_device_imported_twice_counts_once() -> None:
    order = event(0, "", "purchase", identifiers=("user_id:7",), order=Order(order_id="1"))
    site = Site().take(order).take(event(1, "", "purchase", identifiers=("user_id:7",))).take(order)
    assert len(site.rows(EventRow)) == 2


def test_a_click_with_a_purchases_id_does_not_hide_the_purchase() -> None:
    click = event(0, "", "track", identifiers=("user_id:7",), message_id="order-1")
    order = event(0, "", "purchase", order=Order(order_id="1"), message_id="order-1")
    site = Site().take(click, order, order)
    assert [row["type"] for row in site.rows(EventRow)] == ["track", "purchase"]


def test_a_click_with_a_purchases_id_does_not_hide_it_on_the_same_device_either() -> None:
    click = event(0, kind="track", event="Order Completed", message_id="order-1")
    order = event(0, kind="purchase", order=Order(order_id="1"), message_id="order-1")
    for arrival in ([click, order, order], [order, click, click]):
        site = Site().take(*arrival)
        assert {row["type"] for row in site.rows(EventRow)} == {"track", "purchase"}
        assert len(site.rows(EventRow)) == 2
        (fact,) = site.messages(topics.CUSTOMERS)
        assert fact.kind == "purchase"


def test_a_line_that_is_no_event_becomes_a_reject_and_the_others_are_taken() -> None:
    site = Site()
    good = record(0, [event(0)]).value
    broken = Record(0, 3, b'{"type":"page"}\n' + good + b'\n{"type":')
    site.emit.begin(0)
    site.stage.process(site.state, broken, site.emit)
    assert len(site.rows(EventRow)) == 1
    assert [row["reason"] for row in site.rows(RejectRow)] == ["unreadable_record"] * 2
    assert sum(b["declared"] - b["stored"] - b["rejected"] for b in site.rows(AccountingRow)) == 0


def test_a_line_that_is_no_event_is_refused_at_the_log_s_time() -> None:
    site = Site().take(tick(START))
    site.emit.begin(1)
    site.stage.process(site.state, Record(1, 1, b"{"), site.emit)
    assert [row["received_at"] for row in site.rows(RejectRow)] == [START]
    assert [row["sender"] for row in site.rows(RejectRow)] == ["worker"]


def test_an_attempt_ends_with_its_horizon_and_lists_the_other_steps_in_order() -> None:
    steps = pages((0, "/cart"), (1, "/checkout"), (2, "/cart"), (3, "/help"), (6, "/late"))
    site = Site().take(*steps, end_of_time())
    assert site.outcomes()["/cart", 0] == ("/checkout", "/help")
    assert site.outcomes()["/checkout", 1] == ("/cart", "/help", "/late")


def test_reloading_a_page_is_one_attempt_until_the_horizon_has_passed() -> None:
    site = Site().take(*pages((0, "/pay"), (1, "/pay"), (5, "/pay"), (5.5, "/pay")), end_of_time())
    assert list(site.outcomes()) == [("/pay", 0), ("/pay", 5.5)]


def test_a_completed_purchase_is_a_step_and_a_refund_is_none() -> None:
    purchase = event(1, kind="purchase", order=Order(order_id="1"))
    refund = event(2, kind="purchase", order=Order(order_id="1", status="refunded"))
    site = Site().take(*pages((0, "/pay")), purchase, refund, end_of_time())
    assert site.outcomes()["/pay", 0] == ("Order Completed",)


def test_an_order_that_a_page_may_not_sell_is_still_a_step() -> None:
    click = event(1, kind="track", event="Order Completed")
    site = Site().take(*pages((0, "/pay")), click, end_of_time())
    assert site.outcomes()["/pay", 0] == ("Order Completed",)


def test_a_declared_funnel_says_forward_or_failed_at_the_horizon_and_not_before() -> None:
    site = Site(funnel="/cart > /checkout > Order Completed")
    site.take(*pages((0, "/cart"), (1, "/checkout")), end_of_time(5))
    assert site.messages(topics.PAGES) == []
    site.take(end_of_time(5.1))
    assert [(o.page, o.forward) for o in site.messages(topics.PAGES)] == [("/cart", True)]
    site.take(end_of_time(6.1))
    assert [(o.page, o.forward) for o in site.messages(topics.PAGES)][1:] == [("/checkout", False)]


def test_a_continuation_that_comes_late_corrects_what_was_emitted() -> None:
    site = Site(funnel="/cart > /checkout").take(*pages((0, "/cart")), end_of_time(6))
    site.take(*pages((2, "/checkout")), end_of_time(8))
    first, second = (o for o in site.messages(topics.PAGES) if o.page == "/cart")
    assert (first.forward, second.forward, second.revision) == (False, True, 1)
    assert second.was_forward is False


def test_an_attempt_that_a_late_view_makes_part_of_another_is_withdrawn() -> None:
    site = (
        Site().take(*pages((3, "/pay")), end_of_time(10)).take(*pages((0, "/pay")), end_of_time(11))
    )
    assert list(site.outcomes()) == [("/pay", 0)]
    assert [o.time for o in site.messages(topics.PAGES) if o.withdrawn] == [START + 3 * MINUTE]


def test_an_assertion_is_passed_on_when_it_changes_something_and_only_then() -> None:
    ada, bob = ("user_id:ada",), ("user_id:bob",)
    site = Site().take(
        event(0), event(1, identifiers=ada), event(2, identifiers=ada), event(3, identifiers=bob)
    )
    assert [fact.identifiers for fact in site.messages(topics.CUSTOMERS)] == [ada, bob]


def test_after_a_late_assertion_inside_a_run_the_rest_of_the_run_is_emitted_again() -> None:
    ada, bob = ("user_id:ada",), ("user_id:bob",)
    site = Site().take(event(1, identifiers=ada), event(3, identifiers=ada))
    site.take(event(2, identifiers=bob))
    assertions = sorted((row["time"], row["identifier"]) for row in site.rows(AssertionRow))
    assert [identifier for _, identifier in assertions] == [
        "user_id:ada",
        "user_id:bob",
        "user_id:ada",
    ]


def test_time_goes_on_to_people_and_dropoff_but_not_with_every_tick() -> None:
    site = Site()
    for second in range(25):
        site.take(end_of_time(second / 60))
    ticks = [o for o in site.emit.outputs if o.topic == topics.CUSTOMERS]
    assert len(ticks) == 3


visits = st.lists(
    st.builds(
        lambda minute, device, path, user: event(
            minute,
            device,
            path=path,
            identifiers=(f"user_id:{user}",) if user else (),
        ),
        st.integers(0, 200).map(lambda n: n * 0.7),
        st.sampled_from(["d1", "d2"]),
        st.sampled_from(["/", "/cart", "/pay"]),
        st.sampled_from(["", "", "ada", "bob"]),
    ),
    max_size=25,
    unique_by=lambda e: (e.anonymous_id, e.message_id),
)


def owners(site: Site) -> list[tuple[str, str]]:
    """Who has each device at each minute, by the assertions written."""
    assertions = sorted(
        (r["device"], r["time"], r["message_id"], r["identifier"]) for r in site.rows(AssertionRow)
    )
    return [
        (
            device,
            next(
                (
                    identifier
                    for d, time, _, identifier in reversed(assertions)
                    if d == device and time <= START + minute * MINUTE
                ),
                "",
            ),
        )
        for device in ("d1", "d2")
        for minute in range(150)
    ]


@settings(max_examples=60, deadline=None)
@given(visits, st.randoms(use_true_random=False), st.integers(0, 25))
def test_any_order_of_arrival_gives_the_same_sessions_attempts_and_owners(
    events: list[Event], random: object, cut: int
) -> None:
    arrival = list(events)
    random.shuffle(arrival)  # type: ignore[attr-defined]
    in_order = Site().take(*events).take(end_of_time())
    permuted = Site().take(*arrival[:cut]).take(end_of_time(150)).take(*arrival[cut:])
    permuted.take(end_of_time())
    assert permuted.sessions() == in_order.sessions()
    assert permuted.outcomes() == in_order.outcomes()
    assert owners(permuted) == owners(in_order)


@settings(max_examples=30, deadline=None)
@given(visits)
def test_the_same_records_give_the_same_rows_and_messages(events: list[Event]) -> None:
    def run() -> Emit:
        site = Site()
        for single_event in events:
            site.take(single_event)
        return site.take(end_of_time()).emit

    first, second = run(), run()
    assert first.rows == second.rows
    assert first.outputs == second.outputs


def test_sessions_of_a_busy_device_are_emitted_before_their_events_are_forgotten() -> None:
    site = Site()
    for number in range(40 * 100):  # forty sessions of a hundred events, an hour apart, no tick
        site.take(event(number // 100 * 160 + number % 100, path="/a"))
    site.take(end_of_time())
    assert [events for _, _, events in site.sessions()] == [100] * 40


def test_a_device_with_more_events_than_are_remembered_keeps_its_session_whole() -> None:
    site = Site()
    for number in range(3_000):
        site.take(event(number / 60))
    site.take(end_of_time())
    assert site.sessions() == [(0, 2_999 / 60, 3_000)]


def device_of(site: Site) -> Device:
    assert isinstance(site.state, VisitsState)
    return next(device for _, device in site.state.devices.items())


def test_thousands_of_events_of_one_time_are_bounded_and_counted() -> None:
    site = Site().take(*(event(0, message_id=f"m{n:05}") for n in range(4_000)))
    assert len(device_of(site).events) <= MAX_RECENT_EVENTS * 5 // 4
    assert site.take(end_of_time()).sessions() == [(0, 0, 4_000)]


def test_a_till_remembers_the_customers_of_remembered_events_only() -> None:
    site = Site()
    for n in range(4_000):
        site.take(event(n / 60, "till", identifiers=(f"user_id:{n}",)))
    till = device_of(site)
    assert [till.identities[recent.identity_index] for recent in till.events] == [
        (f"user_id:{4_000 - len(till.events) + n}",) for n in range(len(till.events))
    ]
    assert len(till.identities) == len(till.events) <= MAX_RECENT_EVENTS * 5 // 4
    assert len(site.messages(topics.CUSTOMERS)) == 4_000


def test_forgetting_renumbers_identities_and_emits_nothing_again() -> None:
    site = Site(lateness_hours=1)
    site.take(event(0, identifiers=("user_id:ada",)), event(100, identifiers=("user_id:bob",)))
    site.take(end_of_time(101))
    assert device_of(site).identities == (("user_id:bob",),)
    site.take(event(102, identifiers=("user_id:bob",)), event(103, identifiers=("user_id:ada",)))
    assert [fact.identifiers[0] for fact in site.messages(topics.CUSTOMERS)] == [
        "user_id:ada",
        "user_id:bob",
        "user_id:ada",
    ]


def test_what_waited_through_an_outage_arrives_before_failures_are_emitted() -> None:
    site = Site(funnel="/cart > /pay").take(end_of_time(0), *pages((0, "/cart")))
    site.take(end_of_time(60), *pages((1, "/pay")))
    site.take(*(end_of_time(60 + second / 60) for second in range(150)))
    outcomes = [(o.page, o.forward) for o in site.messages(topics.PAGES)]
    assert outcomes == [("/cart", True), ("/pay", None)]


@pytest.mark.parametrize("minutes_per_tick", [1 / 60, 5])
def test_after_an_outage_time_is_where_the_ticks_are(minutes_per_tick: float) -> None:
    ticks = [end_of_time(60 + n * minutes_per_tick) for n in range(150)]
    site = Site().take(end_of_time(0), *ticks)
    assert isinstance(site.state, VisitsState)
    assert site.state.clock.get("now") == ticks[-1].time
    assert "heard" not in site.state.clock


def test_one_tick_looks_at_no_more_devices_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "REVIEWS_PER_TICK", 3)
    site = Site().take(*(event(0, f"d{n}") for n in range(8)))
    counts = [len(site.take(end_of_time()).sessions()) for _ in range(3)]
    assert counts == [3, 6, 8]


def test_server_events_are_distinguished_within_a_bucket_and_across_buckets() -> None:
    orders = [event(n / 10, "", "purchase", order=Order(order_id=str(n))) for n in range(300)]
    site = Site().take(*orders).take(*reversed(orders))
    assert len(site.rows(EventRow)) == 300


def test_a_batch_of_server_events_rewrites_little_however_many_there_were_that_day() -> None:
    site = Site()
    settled = site.state.tables["recent"]
    for hour in range(24):
        site.take(*(event(hour * 60 + n / 20, "", "track") for n in range(1_000)))
    settled.settle(settled.changes())
    site.take(*(event(24 * 60 + n / 1_000, "", "track") for n in range(1_000)))
    assert sum(len(value or b"") for value in settled.changes().values()) < 1_000 * 10


def test_messages_of_one_time_rewrite_no_more_than_others_and_are_distinguished() -> None:
    site = Site()
    table = site.state.tables["recent"]
    orders = [event(0, "", "purchase", message_id=f"{n}") for n in range(5 * MAX_DIGESTS)]
    site.take(*orders)
    table.settle(table.changes())
    site.take(event(0, "", "purchase", message_id="one more"), *orders[::500])
    assert len(site.rows(EventRow)) == len(orders) + 1
    assert sum(len(value or b"") for value in table.changes().values()) < 21 * MAX_DIGESTS


def test_an_import_of_500_orders_a_day_adds_little_to_the_state() -> None:
    site = Site()
    days = [event(day * 1_440 + n * 1.7, "", "purchase") for day in range(4) for n in range(500)]
    site.take(*days)
    change_bytes = [
        len(key) + len(value or b"")
        for name in ("recent", "timers")
        for key, value in site.state.tables[name].changes().items()
    ]
    assert sum(change_bytes) / len(days) < 40
