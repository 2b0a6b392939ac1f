"""Snowplow's tracker protocol: every kind of event, entities, and orders in its three ways."""

import base64
import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from collectors import limits
from schemas.events import Event, Item, Order
from schemas.rejects import Reason
from tests.collectors.dialects.samples import TP2
from tests.collectors.requests import NOW, event, reject, sent

OURS = "iglu:com.snowplowanalytics.snowplow.ecommerce"
GOOGLES = "iglu:com.google.analytics.enhanced-ecommerce"
WHO = {"duid": "dev", "eid": "e-1", "dtm": str(NOW)}


def coded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def described(schema: str, data: Any) -> dict[str, Any]:
    return {"schema": f"{schema}/jsonschema/1-0-0", "data": data}


def ue(schema: str, data: Any, *entities: Any) -> dict[str, str]:
    item = {"e": "ue", "ue_px": coded({"schema": "outer", "data": described(schema, data)})}
    return WHO | item | ({"cx": coded({"schema": "outer", "data": entities})} if entities else {})


def one(item: dict[str, Any]) -> Event:
    return event(TP2, {"schema": "payload_data", "data": [item]})


def test_a_page_view_is_a_page_with_its_path() -> None:
    page = {"e": "pv", "url": "https://s.co/cup?a", "page": "A cup ☕ é", "refr": "https://x.co/"}
    taken = one(WHO | page | {"uid": "zoe"})
    assert (taken.type, taken.path, taken.title) == ("page", "/cup", "A cup ☕ é")
    assert (taken.referrer, taken.anonymous_id) == ("https://x.co/", "dev")
    assert taken.identifiers == ("user_id:zoe",)


def test_a_page_ping_tells_how_far_was_scrolled() -> None:
    taken = one(WHO | {"e": "pp", "pp_mix": "0", "pp_may": "900"})
    assert (taken.type, taken.event) == ("track", "page_ping")
    assert json.loads(bytes(taken.properties)) == {"min_x": "0", "max_y": "900"}


def test_a_structured_event_goes_by_its_action() -> None:
    taken = one(WHO | {"e": "se", "se_ca": "shop", "se_ac": "add ☕", "se_va": 2})
    assert taken.event == "add ☕"
    assert json.loads(bytes(taken.properties)) == {
        "category": "shop",
        "action": "add ☕",
        "value": 2,
    }


def test_a_self_describing_event_goes_by_its_schemas_name() -> None:
    taken = one(
        ue("iglu:co.shop/note_taken", {"note": "☕ é"}, described("iglu:co.shop/x", {"a": 1}))
    )
    assert taken.event == "note_taken"
    kept = json.loads(bytes(taken.properties))
    assert kept["note"] == "☕ é"
    assert kept["contexts"][0]["data"] == {"a": 1}


def test_a_screen_view_is_a_screen() -> None:
    taken = one(ue("iglu:com.snowplowanalytics.mobile/screen_view", {"name": "Cart"}))
    assert (taken.type, taken.event) == ("screen", "Cart")


def test_an_apps_device_is_in_its_session_entity() -> None:
    session = described("iglu:com.snowplowanalytics.snowplow/client_session", {"userId": "phone-1"})
    item = ue("iglu:co.shop/x", {}, session)
    del item["duid"]
    assert one(item).anonymous_id == "phone-1"


def test_the_e_commerce_user_entity_asserts_its_email() -> None:
    user = described(f"{OURS}/user", {"id": "zoe", "email": "Zoe@e.co"})
    assert one(ue("iglu:co.shop/x", {}, user) | {"uid": "zoe"}).identifiers == (
        "user_id:zoe",
        "email:zoe@e.co",
    )


def test_the_true_timestamp_wins_over_the_devices() -> None:
    assert one(WHO | {"e": "pv", "ttm": str(NOW - 5_000)}).time == NOW - 5_000


def test_the_clock_error_is_taken_out() -> None:
    taken = one(WHO | {"e": "pv", "dtm": str(NOW - 60_000), "stm": str(NOW - 59_000)})
    assert taken.corrected_time == NOW - 1_000


@pytest.mark.parametrize("kind", ["refund", "transaction"])
def test_an_e_commerce_action_with_its_entities_is_a_purchase(kind: str) -> None:
    told = {"transaction_id": "A-1", "currency": "EUR"}
    amount = {"revenue": 9.9} if kind == "transaction" else {"refund_amount": 9.9}
    product = {"id": "tea", "price": 9.9, "quantity": 1}
    action = described(f"{OURS}/{kind}", told | amount), described(f"{OURS}/product", product)
    taken = one(ue(f"{OURS}/snowplow_ecommerce_action", {"type": kind}, *action))
    status: Any = {"refund": "refunded", "transaction": "completed"}[kind]
    assert taken.order == Order(
        "A-1", status, "EUR", Decimal("9.9"), (Item("tea", price=Decimal("9.9")),)
    )


def test_other_e_commerce_actions_are_tracks_by_their_name() -> None:
    taken = one(ue(f"{OURS}/snowplow_ecommerce_action", {"type": "add_to_cart"}))
    assert (taken.type, taken.event) == ("track", "add_to_cart")


def test_googles_enhanced_e_commerce_is_a_purchase_too() -> None:
    entities = (
        described(f"{GOOGLES}/actionFieldObject", {"id": "A-1", "revenue": "9.90"}),
        described(
            f"{GOOGLES}/productFieldObject",
            {"id": "tea", "name": "Assam", "price": "9.90", "quantity": 1, "currency": "EUR"},
        ),
    )
    taken = one(ue(f"{GOOGLES}/action", {"action": "purchase"}, *entities))
    item = Item("tea", "Assam", price=Decimal("9.90"))
    assert taken.order == Order("A-1", "completed", "EUR", Decimal("9.90"), (item,))


def transaction(*orders: str) -> list[dict[str, Any]]:
    return [
        item
        for order in orders
        for item in (
            {
                "duid": "d",
                "e": "tr",
                "eid": f"t{order}",
                "tr_id": order,
                "tr_tt": "4.0",
                "tr_cu": "EUR",
            },
            {
                "duid": "d",
                "e": "ti",
                "eid": f"i{order}",
                "ti_id": order,
                "ti_sk": f"sku-{order}",
                "ti_pr": 2,
                "ti_qu": "2",
            },
        )
    ]


def test_a_transaction_has_the_items_that_came_beside_it() -> None:
    admitted = sent(TP2, {"data": transaction("1", "2")})
    assert [one.type for one in admitted.events] == ["purchase", "track", "purchase", "track"]
    orders = [one.order for one in admitted.events if one.order]
    assert orders == [
        Order(id, "completed", "EUR", Decimal("4.0"), (Item(f"sku-{id}", "", "", 2, Decimal(2)),))
        for id in ("1", "2")
    ]


def test_of_two_transactions_of_one_order_the_first_has_the_items() -> None:
    first, line = transaction("1")
    admitted = sent(TP2, {"data": [first, line, first | {"eid": "again"}]})
    orders = [one.order for one in admitted.events if one.order]
    assert [len(order.items) for order in orders] == [1, 0]


def test_an_event_that_cannot_be_read_spoils_only_itself() -> None:
    broken: Any = [7, {"aid": [], "tr_id": {}}, {"ti_id": {}}]
    admitted = sent(TP2, {"data": [*broken, *transaction("1")]})
    assert (len(admitted.rejects), len(admitted.events)) == (3, 2)


def test_a_transaction_without_its_items_is_a_purchase_without_items() -> None:
    (taken,) = sent(TP2, {"data": transaction("1")[:1]}).events
    assert taken.order == Order("1", "completed", "EUR", Decimal("4.0"))


def test_of_an_order_sent_event_by_event_only_the_transaction_is_a_purchase() -> None:
    gets = [event("/i", urlencode(item).encode()) for item in transaction("1")]
    assert [one.type for one in gets] == ["purchase", "track"]
    assert gets[0].order == Order("1", "completed", "EUR", Decimal("4.0"))
    assert (gets[1].event, gets[1].order) == ("transaction_item", None)
    assert json.loads(bytes(gets[1].properties)) == {
        "ti_id": "1",
        "ti_sk": "sku-1",
        "ti_pr": "2",
        "ti_qu": "2",
    }


@pytest.mark.parametrize(
    ("sent_as", "read_as"), [(2**60 + 1, str(2**60 + 1)), (7.0, "7"), ("x", "x")]
)
def test_an_order_id_may_be_a_number_of_any_length(sent_as: Any, read_as: str) -> None:
    taken = one(transaction("1")[0] | {"tr_id": sent_as})
    assert taken.order is not None
    assert taken.order.order_id == read_as


@pytest.mark.parametrize("wrong", [{"tr_id": ""}, {"tr_tt": "a lot"}, {"tr_cu": "euro"}])
def test_a_transaction_that_cannot_be_read_is_rejected(wrong: dict[str, str]) -> None:
    admitted = sent(TP2, {"data": [transaction("1")[0] | wrong]})
    assert [one.reason for one in admitted.rejects] == [Reason.BAD_ORDER]


def test_a_get_holds_one_event() -> None:
    query = urlencode(WHO | {"e": "pv", "page": "A cup ☕ é", "url": "https://s.co/"}).encode()
    taken = event("/i", query)
    assert (taken.title, taken.path, taken.message_id) == ("A cup ☕ é", "/", "e-1")


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"e": "xx"}, Reason.UNKNOWN_TYPE),
        ({"e": "ue", "ue_px": "!!"}, Reason.BAD_ENCODING),
        ({"e": "ue", "ue_px": "_-8"}, Reason.BAD_ENCODING),
        ({"e": "ue", "ue_pr": "{"}, Reason.BAD_JSON),
        ({"e": "ue"}, Reason.BAD_JSON),
        ({"e": "pv", "co": '{"data":7}'}, Reason.BAD_SHAPE),
        ({"e": "pv", "dtm": "soon"}, Reason.TIME_OUT_OF_RANGE),
        ({}, Reason.BAD_SHAPE),
    ],
)
def test_what_cannot_be_read_has_its_reason(item: dict[str, str], reason: Reason) -> None:
    admitted = sent(TP2, {"data": [{"duid": "d"} | item]})
    assert [one.reason for one in admitted.rejects] == [reason]
    assert admitted.status == 200


def test_nesting_inside_base64_is_limited_as_outside() -> None:
    levels = limits.MAX_DEPTH + 1
    deep: Any = json.loads("[" * levels + "]" * levels)
    admitted = sent(TP2, {"data": [ue("iglu:co.shop/x", {"a": deep})]})
    assert [one.reason for one in admitted.rejects] == [Reason.BAD_SHAPE]


def test_who_asks_to_be_anonymous_has_no_id_that_a_collector_gave() -> None:
    item = {"e": "pv", "nuid": "network", "tnuid": "network"}
    headers = {"sp-anonymous": "*"}
    assert event("/i", urlencode(item).encode()).anonymous_id == "network"
    assert reject("/i", urlencode(item).encode(), headers=headers).reason is Reason.MISSING_ID
    own = urlencode(item | {"duid": "dev"}).encode()
    assert event("/i", own, headers=headers).anonymous_id == "dev"


def test_anonymous_sessions_are_told_apart() -> None:
    nil = {"userId": "00000000-0000-0000-0000-000000000000"}
    context = described("iglu:com.snowplowanalytics.snowplow/client_session", nil)
    cx = coded({"schema": "outer", "data": [context]})
    taken = [one({"e": "pv", "eid": sid, "sid": sid, "cx": cx}) for sid in ("s-1", "s-2")]
    assert [each.anonymous_id for each in taken] == ["s-1", "s-2"]
    assert one(WHO | {"e": "pv", "sid": "s-1", "cx": cx}).anonymous_id == "dev"


def test_a_query_is_not_a_list() -> None:
    assert reject("/i", b"e=pv&duid=d&" + b"a=1&" * 600).reason is Reason.BAD_SHAPE
