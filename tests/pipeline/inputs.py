"""Any input that the log may hold: events as the contract allows them, to its limits."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as some

from schemas.events import (
    LATEST_MS,
    MONEY_LIMIT,
    QUANTITY_LIMIT,
    Event,
    Feedback,
    Item,
    Order,
    Ticket,
    tick,
)

PAGES = ("/cart", "/checkout", "/thanks", "/product/7")
FUNNEL = "/cart > /checkout > Order Completed"
STEP = Decimal("0.0001")

_TEXT = some.one_of(
    some.sampled_from(("", "shop", "\x00", "\ud7ff\U0010ffff", "'; --")), some.text(max_size=8)
)
_NEAR = some.integers(1_700_000_000_000, 1_700_003_600_000)
_TIMES = some.one_of(_NEAR, _NEAR, _NEAR, some.sampled_from((0, 1, LATEST_MS - 1)))
_AMOUNTS = some.one_of(
    some.sampled_from((Decimal(0), STEP, MONEY_LIMIT - STEP, STEP - MONEY_LIMIT)),
    some.decimals(-1000, 1000, places=4, allow_nan=False, allow_infinity=False),
)
_ITEMS = some.builds(
    Item,
    product_id=_TEXT,
    name=_TEXT,
    category=_TEXT,
    quantity=some.sampled_from((0, 1, QUANTITY_LIMIT)),
    price=_AMOUNTS,
)
_ORDERS = some.builds(
    Order,
    order_id=some.sampled_from(("o-1", "o-2", "")),
    currency=_TEXT,
    total=_AMOUNTS,
    status=some.sampled_from(("completed", "refunded", "cancelled")),
    items=some.lists(_ITEMS, max_size=3).map(tuple),
)
_TICKETS = some.builds(
    Ticket,
    ticket_id=_TEXT,
    channel=_TEXT,
    subject=_TEXT,
    priority=_TEXT,
    action=some.sampled_from(("created", "answered", "solved", "reopened", "rated")),
    rating=some.sampled_from((None, 1, 5)),
)
_FEEDBACK = some.builds(
    Feedback,
    kind=some.sampled_from(("csat", "nps", "ces", "comment")),
    score=some.sampled_from((None, 0, 10)),
    comment=_TEXT,
    about=_TEXT,
)
_IDENTIFIERS = some.lists(
    some.sampled_from(("user_id:u1", "user_id:u2", "email:a@b.example", "phone:+491", "crm:7")),
    max_size=3,
    unique=True,
).map(tuple)

_COMMON: dict[str, Any] = {
    "message_id": some.text(min_size=1, max_size=6),
    "site": some.sampled_from(("shop", "shop", "shop", "shop", "käse")),
    "time": _TIMES,
    "received_at": _TIMES,
    "corrected_time": _TIMES,
    "anonymous_id": some.sampled_from(("d1", "d1", "d1", "d2", "")),
    "identifiers": _IDENTIFIERS,
    "event": _TEXT,
    "path": some.one_of(some.sampled_from(PAGES), _TEXT),
    "url": _TEXT,
    "title": _TEXT,
    "referrer": _TEXT,
    "opt_out": some.booleans(),
    "browser": _TEXT,
    "device_class": some.sampled_from(("", "desktop", "mobile", "bot")),
}

EVENTS = some.one_of(
    some.builds(
        Event, type=some.sampled_from(("page", "page", "screen", "track", "group")), **_COMMON
    ),
    some.builds(Event, type=some.just("identify"), **_COMMON),
    some.builds(Event, type=some.just("reset"), **_COMMON),
    some.builds(
        Event,
        type=some.just("alias"),
        **_COMMON,
        previous_id=some.sampled_from(("user_id:u9", "device:d1", "email:x@y.example")),
    ),
    some.builds(Event, type=some.just("purchase"), order=_ORDERS, **_COMMON),
    some.builds(Event, type=some.just("ticket"), ticket=_TICKETS, **_COMMON),
    some.builds(Event, type=some.just("feedback"), feedback=_FEEDBACK, **_COMMON),
    _TIMES.map(tick),
)
"""Any event, and ticks."""


def _walk(device: str, start: int, pages: list[str]) -> list[Event]:
    return [
        Event(
            type="page",
            message_id=f"{start} {n}",
            site="shop",
            anonymous_id=device,
            path=page,
            time=start + n * 1000,
            received_at=start + n * 1000,
        )
        for n, page in enumerate(pages)
    ]


_WALKS = some.builds(
    _walk,
    some.sampled_from(("d1", "d2", "d9")),
    _NEAR,
    some.lists(some.sampled_from(PAGES), min_size=2, max_size=5),
)

STREAMS = some.builds(
    lambda events, walks: events + [event for walk in walks for event in walk],
    some.lists(EVENTS, max_size=20),
    some.lists(_WALKS, max_size=3),
)
"""Events in the order of their arrival, some of them people who walk from page to page."""
