"""Named queries against what the shop's events say, counted here by hand."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.web.named_queries import named_query, names
from schemas.identifiers import person_id
from schemas.rows import SOURCE, DeliveryRow, columns_of
from tests.dashboards import shop
from tests.dashboards.shop import END, SITE, START
from tests.pipeline.warehouse.rows import until_readable

ANY = {
    "site": SITE,
    "from": str(START),
    "to": str(END),
    "step": "3600",
    "who": "u4",
    "customer": person_id(SITE, "user_id:u4"),
    "reason": "",
    "limit": "10",
    "id": "r" * 32,
    "attempts": "10",
    "unasked": "unknown_key",
}
ALREADY = [event for event in shop.happenings() if event.type != "tick"]
IN_RANGE = [event for event in ALREADY if START <= event.time < END]


def ask(warehouse: EmbeddedWarehouse, name: str, **params: str) -> list[dict[str, Any]]:
    query = named_query(name)
    values = {each: {**ANY, **params}[each] for each in query.params}
    answer = json.loads(warehouse.raw(query.text, "JSONCompact", values))
    columns = [column["name"] for column in answer["meta"]]
    return [dict(zip(columns, row, strict=True)) for row in answer["data"]]


@pytest.mark.parametrize("name", names())
def test_every_named_query_runs_on_a_warehouse_without_the_site(
    warehouse: EmbeddedWarehouse, name: str
) -> None:
    ask(warehouse, name, site="nobody's", who="nobody", customer="device:none", id="")


@pytest.mark.parametrize("name", names())
def test_every_named_query_says_what_it_is(name: str) -> None:
    assert named_query(name).text.startswith("-- ")


def test_totals_are_what_was_sent(warehouse: EmbeddedWarehouse) -> None:
    (totals,) = ask(warehouse, "overview_totals")
    views = [event for event in IN_RANGE if event.type == "page" and not event.bot]
    orders = {event.order.order_id for event in IN_RANGE if event.order}
    orders -= {event.order.order_id for event in ALREADY if event.order and event.time < START}
    assert totals["page_views"] == len(views)
    assert totals["visitors"] == len({event.anonymous_id for event in views})
    assert totals["sessions"] == 14 * shop.VISITS - 2  # the last half hour's are not over
    assert totals["orders"] == len(orders)


def test_visitors_came_by_search_and_by_campaign(warehouse: EmbeddedWarehouse) -> None:
    pages = [event for event in IN_RANGE if event.type == "page"]
    found = {event.anonymous_id for event in pages if event.referrer_medium == "search"}
    assert ask(warehouse, "referrers") == [
        {"medium": "search", "source": "Search", "visitors": len(found)}
    ]
    mailed = [event for event in pages if event.campaign_source]
    assert ask(warehouse, "campaigns") == [
        {
            "source": "news",
            "medium": "email",
            "campaign": "",
            "clicks": len(mailed),
            "visitors": len({event.anonymous_id for event in mailed}),
        }
    ]


def test_a_referrer_from_before_the_enrichment_goes_by_its_host(
    warehouse: EmbeddedWarehouse,
) -> None:
    names = ("site", "type", "device", "time", "message_id", "url", "referrer", "referrer_medium")
    page = "https://shop.example/tea"
    rows = [
        ("old", "page", "a", START, "m1", page, "https://www.blog.example/x", ""),
        ("old", "page", "b", START, "m2", page, "https://shop.example/", ""),
        ("old", "page", "c", START, "m3", page, "https://www.shop.example/", "internal"),
        ("old", "page", "d", START, "m4", page, "", ""),
    ]
    warehouse.insert("events", names, list(zip(*rows, strict=True)))
    until_readable(warehouse, "events")
    assert ask(warehouse, "referrers", site="old") == [
        {"medium": "link", "source": "blog.example", "visitors": 1}
    ]


def test_bots_are_counted_by_name_and_nowhere_else(warehouse: EmbeddedWarehouse) -> None:
    crawled = shop.CRAWLED
    assert ask(warehouse, "bots") == [
        {"bot_name": "Teabot", "page_views": crawled, "events_sent": crawled}
    ]


def test_browsers_and_countries_are_those_of_visitors(warehouse: EmbeddedWarehouse) -> None:
    people = [event for event in IN_RANGE if event.browser and not event.bot]
    phones = len({event.anonymous_id for event in people if event.os == "iOS"})
    desktops = len({event.anonymous_id for event in people if event.os == "Windows"})
    assert {row["system"]: row["visitors"] for row in ask(warehouse, "browsers")} == {
        "iOS": phones,
        "Windows": desktops,
    }
    (germany,) = ask(warehouse, "countries")
    assert (germany["country"], germany["visitors"]) == ("DE", phones + desktops)


def test_a_series_adds_up_to_its_total_and_has_every_step(warehouse: EmbeddedWarehouse) -> None:
    rows = ask(warehouse, "overview_series")
    (totals,) = ask(warehouse, "overview_totals")
    assert len(rows) == 14 * 24
    for column in ("sessions", "page_views", "orders"):
        assert sum(row[column] for row in rows) == totals[column]


def test_revenue_is_less_what_was_refunded(warehouse: EmbeddedWarehouse) -> None:
    since = str(START - 365 * shop.DAY)
    ((revenue),) = ask(warehouse, "revenue", **{"from": since})
    orders = [event.order for event in ALREADY if event.order]
    sold = sum(order.total for order in orders if order.status == "completed")
    back = sum(order.total for order in orders if order.status == "refunded")
    assert back > 0
    assert Decimal(str(revenue["revenue"])) == sold - back
    assert revenue["currency"] == "EUR"


def test_a_whole_refund_and_a_cancellation_void_an_order_reported_twice(
    warehouse: EmbeddedWarehouse,
) -> None:
    (row,) = warehouse.query(
        "SELECT count(), countIf(void), sum(revenue) FROM orders WHERE site = 'other'"
    ).rows
    assert row == (0, 0, 0)
    columns = ("site", "order_id", "status", "time", "message_id", "total", "product_ids")
    rows = [
        ("other", "a", "completed", 1000, "m1", Decimal(10), ["x"]),
        ("other", "a", "completed", 2000, "m2", Decimal(10), ["x"]),
        ("other", "b", "completed", 1000, "m3", Decimal(10), ["x"]),
        ("other", "b", "refunded", 2000, "m4", Decimal(0), []),
        ("other", "c", "completed", 1000, "m5", Decimal(10), ["x"]),
        ("other", "c", "cancelled", 2000, "m6", Decimal(0), []),
        ("other", "d", "refunded", 2000, "m7", Decimal(0), []),
    ]
    warehouse.insert("purchases", columns, list(zip(*rows, strict=True)))
    until_readable(warehouse, "purchases")
    (row,) = warehouse.query(
        "SELECT count(), countIf(void), sum(revenue) FROM orders WHERE site = 'other'"
    ).rows
    assert row == (3, 2, 10)


def test_the_broken_page_is_flagged_on_mobile_alone(warehouse: EmbeddedWarehouse) -> None:
    pages = ask(warehouse, "dropoff_pages")
    flagged = {(row["page"], row["device_class"]) for row in pages if row["flag"]}
    assert flagged == {("/checkout", "mobile")}
    assert pages[0]["flag"] == "broke", "what is broken comes first"


def test_forward_shares_lie_in_their_intervals(warehouse: EmbeddedWarehouse) -> None:
    rows = [row for row in ask(warehouse, "dropoff_pages") if row["share"] is not None]
    (checkout,) = [r for r in rows if (r["page"], r["device_class"]) == ("/checkout", "mobile")]
    numbers = range(14 * shop.VISITS)
    visits = [n for n in numbers if n % 2 == 0 and n % 4 != 3]
    on_time = [n for n in visits if n % 5 and n < 13 * shop.VISITS]
    assert (checkout["attempts"], checkout["went_forward"]) == (len(visits), len(on_time))
    assert all(0 <= row["low"] <= row["share"] <= row["high"] + 1e-9 <= 1 + 1e-9 for row in rows)


def test_wilsons_interval_is_the_published_one(warehouse: EmbeddedWarehouse) -> None:
    """81 of 263: Newcombe (1998), Statistics in Medicine 17, table I, method 3."""
    ((low, high),) = warehouse.query(
        "SELECT footfall_wilson(81, 263).1, footfall_wilson(81, 263).2"
    ).rows
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize("who", ["u4", "user_id:u4", "4@MAIL.example"])
def test_a_customer_is_found_by_whatever_is_known(warehouse: EmbeddedWarehouse, who: str) -> None:
    (found,) = ask(warehouse, "customer_find", who=who)
    assert found["canonical"] == "user_id:u4"
    assert found["identifiers"] == ["email:4@mail.example", "user_id:u4"]
    assert found["customer"] == person_id(SITE, "user_id:u4")


@pytest.mark.parametrize("who", ["device-4", "device:device-4"])
def test_a_shared_device_leads_to_everybody_who_used_it(
    warehouse: EmbeddedWarehouse, who: str
) -> None:
    found = ask(warehouse, "customer_find", who=who)
    assert [row["canonical"] for row in found] == ["user_id:u34", "user_id:u4"]


def test_a_device_that_nobody_is_known_on_is_a_customer_too(warehouse: EmbeddedWarehouse) -> None:
    known = {event.anonymous_id for event in ALREADY if event.identifiers}
    stranger = sorted({event.anonymous_id for event in ALREADY} - known)[0]
    (found,) = ask(warehouse, "customer_find", who=stranger)
    assert found["customer"] == f"device:{stranger}"
    journey = ask(warehouse, "customer_journey", customer=found["customer"])
    theirs = [event for event in ALREADY if event.anonymous_id == stranger]
    assert len(journey) == len(theirs) > 0


def test_a_journey_holds_all_kinds_newest_first(warehouse: EmbeddedWarehouse) -> None:
    journey = ask(warehouse, "customer_journey", customer=person_id(SITE, "user_id:r9"))
    theirs = [event for event in ALREADY if "user_id:r9" in event.identifiers]
    assert len([row for row in journey if row["kind"] != "trigger"]) == len(theirs)
    assert {row["kind"] for row in journey} == {"purchase", "ticket", "feedback", "trigger"}
    times = [row["time"] for row in journey]
    assert times == sorted(times, reverse=True)
    said = {
        (row["title"], row["detail"]) for row in journey if row["kind"] in ("ticket", "feedback")
    }
    assert said >= {("Ticket t9 rated", "Cup broken · rated 5 of 5"), ("CSAT 5", "delivery: slow")}


def test_a_journey_has_the_clicks_from_before_the_first_login(warehouse: EmbeddedWarehouse) -> None:
    journey = ask(warehouse, "customer_journey")
    pages = [row for row in journey if row["kind"] == "page"]
    assert {"device-4", "device-64", "device-124"} <= {row["device"] for row in pages}
    assert {row["detail"] for row in pages if row["title"] == "/cart"} == {"Page /cart"}


def test_tickets_stand_where_their_last_step_left_them(warehouse: EmbeddedWarehouse) -> None:
    states = {row["state"]: row["tickets"] for row in ask(warehouse, "tickets_states")}
    assert states == {"open": 9, "answered": 5, "solved": 10}  # n % 5: 0, 4 open; 1; 2, 3
    (times,) = ask(warehouse, "tickets_times")
    assert (times["hours_to_answer"], times["hours_to_solve"]) == (2, 20)
    assert len(ask(warehouse, "tickets_open")) == 14


def test_the_books_balance(warehouse: EmbeddedWarehouse) -> None:
    books = {row["topic"]: row for row in ask(warehouse, "books")}
    assert books["footfall-events"]["stored"] == len(ALREADY)
    assert {row["merged"] for row in books.values()} == {0}
    assert books["footfall-rejects"]["rejected"] == 1
    assert {row["difference"] for row in books.values()} == {0}


def test_now_is_the_logs(warehouse: EmbeddedWarehouse) -> None:
    (site,) = ask(warehouse, "sites")
    """Of its newest event or its newest trigger."""
    newest = max(event.received_at for event in ALREADY if event.type != "tick")
    arrived = datetime.fromtimestamp(newest / 1000, UTC).isoformat(" ", "milliseconds")[:23]
    trigger = max(row["time"] for row in ask(warehouse, "triggers", to=str(END + shop.DAY)))
    assert site["now"] == max(arrived, trigger)


@pytest.mark.parametrize(("beyond", "merged"), [(0, 0), (1, 1), (2, 1)])
def test_what_is_missing_is_merged_only_as_far_as_it_can_be(
    warehouse: EmbeddedWarehouse, beyond: int, merged: int
) -> None:
    topic = f"merged-{beyond}"
    sent = {
        "site": "merged",
        "time": END,
        "declared": 2,
        "stored": 2,
        "deduplicated": 0,
        "rejected": 0,
        "beyond_window": beyond,
        "log_id": "l",
        "topic": topic,
        "partition": 0,
        "offset": 0,
        "index": 0,
    }
    warehouse.insert("books", tuple(sent), [[value] for value in sent.values()])
    until_readable(warehouse, "books")
    event = {"site": "merged", "type": "track", "time": END, "message_id": topic, "topic": topic}
    warehouse.insert("events", tuple(event), [[value] for value in event.values()])
    until_readable(warehouse, "events")
    (row,) = [row for row in ask(warehouse, "books") if row["topic"] == topic]
    assert row == {
        "topic": topic,
        "received": 2,
        "stored": 1,
        "repeats": 0,
        "merged": merged,
        "rejected": 0,
        "difference": 1 - merged,
    }


def test_deliveries_stand_where_their_last_try_left_them(warehouse: EmbeddedWarehouse) -> None:
    tries = [
        ("a", 1, 500),
        ("a", 2, 200),
        ("b", 1, 500),
        ("b", 2, 0),
        *(("c", n + 1, 0) for n in range(10)),
    ]
    data = [
        (name, "https://hook.example", n, END + n, status, f"{name}{n}", "l", "t", 0, place, 0)
        for place, (name, n, status) in enumerate(tries)
    ]
    columns = (*columns_of(DeliveryRow), *SOURCE)
    warehouse.insert("deliveries", columns, list(zip(*data, strict=True)))
    until_readable(warehouse, "deliveries")
    assert ask(warehouse, "deliveries_now", **{"from": str(END)}) == [
        {"delivered": 1, "waiting": 1, "given_up": 1, "answer": "c10"}
    ]


def test_orders_without_a_currency_are_counted_by_site(warehouse: EmbeddedWarehouse) -> None:
    assert ask(warehouse, "orders_moneyless") == []
    order = {"site": "moneyless", "order_id": "o", "status": "completed", "time": END}
    warehouse.insert("purchases", tuple(order), [[value] for value in order.values()])
    until_readable(warehouse, "purchases")
    assert ask(warehouse, "orders_moneyless") == [{"site": "moneyless", "orders": 1}]
