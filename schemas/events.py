"""An Event: what a collector has checked and promised, one JSON object on one line of a record.

Names follow the Segment spec. Times are milliseconds since 1970 UTC. Free-form objects stay raw
JSON: nothing between collector and warehouse decodes them.
"""

from decimal import Decimal
from typing import Annotated, Final, Literal

from msgspec import Meta, Raw, Struct

EventType = Literal[
    "page",
    "screen",
    "track",
    "identify",
    "alias",
    "group",
    "reset",
    "purchase",
    "ticket",
    "feedback",
    "tick",
]

DeviceClass = Literal["", "desktop", "mobile", "tablet", "bot"]

OrderStatus = Literal["completed", "refunded", "cancelled"]
TicketAction = Literal["created", "answered", "solved", "reopened", "rated"]
FeedbackKind = Literal["csat", "nps", "ces", "comment"]

EMPTY_OBJECT: Final = Raw(b"{}")

EARLIEST_MS: Final = 946_684_800_000
"""2000-01-01. Event times outside [EARLIEST_MS, LATEST_MS) are refused at admission."""
LATEST_MS: Final = 4_102_444_800_000
"""2100-01-01."""

Ms = Annotated[int, Meta(ge=0, lt=LATEST_MS)]
"""Milliseconds since 1970 that a ClickHouse DateTime64(3) can hold."""


ORDER_EVENTS: Final[dict[str, OrderStatus]] = {
    "Order Completed": "completed",
    "Order Refunded": "refunded",
    "Order Cancelled": "cancelled",
}
"""Segment's e-commerce spec: track events that are purchases, or take one back."""


MONEY_LIMIT: Final = Decimal(10) ** 14
"""The warehouse keeps Decimal(18, 4): amounts are nearer to 0 than this, with at most four places."""
MONEY_PLACES: Final = 4
QUANTITY_LIMIT: Final = 10**9


def is_amount(value: Decimal) -> bool:
    """Whether the warehouse can keep an amount as it is written."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):  # infinite, or no number
        return False
    return -MONEY_PLACES <= exponent <= 0 and -MONEY_LIMIT < value < MONEY_LIMIT


class Item(Struct, frozen=True, omit_defaults=True):
    """One line of an order. `price` is for one piece, in the order's currency."""

    product_id: str
    name: str = ""
    category: str = ""
    quantity: Annotated[int, Meta(ge=0, le=QUANTITY_LIMIT)] = 1
    price: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Raise ValueError (of a decoder: ValidationError) for what is no amount."""
        if not is_amount(self.price):
            raise ValueError("`price` is not an amount")


class Order(Struct, frozen=True, omit_defaults=True):
    """A purchase, or its refund or cancellation: the same `order_id` with another status.

    A refund without items refunds the whole order.
    """

    order_id: str
    status: OrderStatus = "completed"
    currency: str = ""
    total: Decimal = Decimal(0)
    items: tuple[Item, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError (of a decoder: ValidationError) for what is no amount."""
        if not is_amount(self.total):
            raise ValueError("`total` is not an amount")


class Ticket(Struct, frozen=True, omit_defaults=True):
    """One step in a support ticket's life. `rating` is 1 (bad) to 5 (good) on action `rated`."""

    ticket_id: str
    action: TicketAction = "created"
    channel: str = ""
    subject: str = ""
    priority: str = ""
    rating: Annotated[int, Meta(ge=1, le=5)] | None = None


class Feedback(Struct, frozen=True, omit_defaults=True):
    """An answer to a survey: CSAT and CES 1…5, NPS 0…10; `comment` has no score."""

    kind: FeedbackKind
    score: Annotated[int, Meta(ge=0, le=10)] | None = None
    comment: str = ""
    about: str = ""


class Event(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One event.

    `time` is the client's own clock, uncorrected, so that a re-send keeps it; `corrected_time`
    is received − (sent − original). `identifiers` are the strong identifiers asserted together
    by this event, normalised, in rank order. `previous_id` is what an `alias` joins to them.
    From `device_class` to `referrer_source`: what `collectors.enrichment` has made of the rest.
    A `tick` carries only `site` (""), `time` and `received_at`: it moves time on idle partitions.
    """

    type: EventType
    message_id: str
    site: str
    time: Ms
    received_at: Ms
    corrected_time: Ms = 0
    anonymous_id: str = ""
    identifiers: tuple[str, ...] = ()
    previous_id: str = ""
    event: str = ""
    url: str = ""
    path: str = ""
    title: str = ""
    referrer: str = ""
    device_class: DeviceClass = ""
    browser: str = ""
    os: str = ""
    bot: str = ""
    country: str = ""
    ip: str = ""
    campaign_source: str = ""
    campaign_medium: str = ""
    campaign_name: str = ""
    campaign_term: str = ""
    campaign_content: str = ""
    click_id: str = ""
    referrer_medium: str = ""
    referrer_source: str = ""
    opt_out: bool = False
    order: Order | None = None
    ticket: Ticket | None = None
    feedback: Feedback | None = None
    properties: Raw = EMPTY_OBJECT
    traits: Raw = EMPTY_OBJECT


def key_of(event: Event) -> str:
    """The key an event is partitioned by: its device, else its strongest identifier, else its id."""
    if event.anonymous_id:
        return event.anonymous_id
    return event.identifiers[0] if event.identifiers else event.message_id


def tick(now: int) -> Event:
    """A tick record's only event."""
    return Event(type="tick", message_id="", site="", time=now, received_at=now)
