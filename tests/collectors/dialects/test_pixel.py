"""Events in a GET: Segment's pixel and RudderStack's."""

import base64
import json
from decimal import Decimal
from urllib.parse import quote, urlencode

import pytest

from collectors.admission import admit
from schemas.rejects import Reason
from tests.collectors.requests import SHOP, event, reject, request


def test_fields_with_dots_are_objects() -> None:
    query = urlencode(
        {
            "anonymousId": "d",
            "userId": "zoe",
            "name": "Cup ☕",
            "context.page.url": "https://s.co/cup",
            "properties.title": "☕ é",
        }
    )
    taken = event("/pixel/v1/page", query.encode())
    assert (taken.type, taken.event, taken.title) == ("page", "Cup ☕", "☕ é")
    assert (taken.url, taken.identifiers) == ("https://s.co/cup", ("user_id:zoe",))


def test_an_order_may_come_by_fields() -> None:
    query = urlencode(
        {
            "anonymousId": "d",
            "event": "Order Completed",
            "properties.order_id": "1",
            "properties.total": "9.90",
            "properties.currency": "EUR",
        }
    )
    taken = event("/pixel/v1/track", query.encode())
    assert taken.order is not None
    assert taken.order.total == Decimal("9.90")


@pytest.mark.parametrize("where", ["in data", "beside it"])
def test_its_key_is_in_data_or_beside_it(where: str) -> None:
    whole = {"anonymousId": "d", "event": "Opened"}
    inside = whole | {"writeKey": "key"} if where == "in data" else whole
    query = "data=" + quote(base64.b64encode(json.dumps(inside).encode()))
    query += "" if where == "in data" else "&writeKey=key"
    told = request("/v1/pixel/track", query.encode(), query=query)
    assert [one.site for one in admit(told, {"key": SHOP}).events] == ["shop"]


def test_base64_that_was_not_escaped_is_read_all_the_same() -> None:
    data = base64.b64encode(json.dumps({"anonymousId": "d", "event": "~~>??"}).encode())
    assert b"+" in data or b"/" in data
    assert event("/v1/pixel/track", b"data=" + data).event == "~~>??"


def test_one_without_a_time_counts_each_time_it_is_loaded() -> None:
    told = request("/v1/pixel/track", b"anonymousId=d&event=Opened")
    first, again = admit(told, {}), admit(told._replace(nonce="later"), {})
    assert first.events[0].message_id != again.events[0].message_id


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (b"anonymousId=d&context=1&context.page.url=x", Reason.BAD_SHAPE),
        (b"anonymousId=d&context.page.url.x.y=x", Reason.BAD_SHAPE),
        (b"anonymousId=%ff", Reason.BAD_ENCODING),
        (b"data=!!", Reason.BAD_ENCODING),
        (b"event=Opened", Reason.MISSING_ID),
        (b"", Reason.MISSING_ID),
        (b"a=1&" * 600, Reason.BAD_SHAPE),
    ],
)
def test_what_cannot_be_read_has_its_reason(query: bytes, reason: Reason) -> None:
    assert reject("/pixel/v1/track", query).reason is reason
