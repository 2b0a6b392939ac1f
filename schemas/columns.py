"""Tables of rows and their columns, in insert order. Types stand in `sql/migrations`; a test compares.

Every table also has the five columns of `SOURCE`, which the sink adds: where the row came from.
"""

from typing import Final, NamedTuple


class Table(NamedTuple):
    """A table the worker inserts into. `columns` are those a stage fills."""

    name: str
    columns: tuple[str, ...]


SOURCE: Final = ("log_id", "topic", "partition", "offset", "index")

EVENTS: Final = Table(
    "events",
    (
        "site",
        "type",
        "event",
        "time",
        "corrected_time",
        "received_at",
        "message_id",
        "device",
        "identifier",
        "url",
        "path",
        "page",
        "title",
        "referrer",
        "device_class",
        "opt_out",
        "properties",
        "traits",
        "browser",
        "os",
        "bot",
        "country",
        "ip",
        "campaign_source",
        "campaign_medium",
        "campaign_name",
        "campaign_term",
        "campaign_content",
        "click_id",
        "referrer_medium",
        "referrer_source",
    ),
)
ASSERTIONS: Final = Table("assertions", ("site", "device", "time", "message_id", "identifier"))
SESSIONS: Final = Table(
    "sessions",
    (
        "site",
        "device",
        "start",
        "end",
        "events",
        "pages",
        "entry_page",
        "exit_page",
        "device_class",
        "version",
        "deleted",
    ),
)
OUTCOMES: Final = Table(
    "outcomes",
    (
        "site",
        "page",
        "time",
        "device",
        "message_id",
        "device_class",
        "next",
        "forward",
        "decided_at",
        "version",
        "deleted",
    ),
)
IDENTITIES: Final = Table("identities", ("site", "identifier", "person_id", "canonical", "version"))
REFUSALS: Final = Table(
    "link_refusals", ("site", "time", "message_id", "left", "right", "reason", "version", "deleted")
)
PURCHASES: Final = Table(
    "purchases",
    (
        "site",
        "order_id",
        "status",
        "time",
        "message_id",
        "identifier",
        "device",
        "currency",
        "total",
        "product_ids",
        "names",
        "categories",
        "quantities",
        "prices",
    ),
)
TICKETS: Final = Table(
    "tickets",
    (
        "site",
        "ticket_id",
        "action",
        "time",
        "message_id",
        "identifier",
        "device",
        "channel",
        "subject",
        "priority",
        "rating",
    ),
)
FEEDBACK: Final = Table(
    "feedback",
    ("site", "time", "message_id", "identifier", "device", "kind", "score", "comment", "about"),
)
CYCLES: Final = Table(
    "cycles",
    (
        "site",
        "person_id",
        "product_id",
        "purchases",
        "last_purchase",
        "interval_days",
        "due_at",
        "late_at",
        "lapsed_at",
        "state",
        "version",
        "deleted",
    ),
)
FORWARD: Final = Table("forward_sets", ("site", "page", "next", "share", "version", "deleted"))
FLAGS: Final = Table(
    "flags",
    (
        "site",
        "page",
        "device_class",
        "time",
        "state",
        "expected",
        "observed",
        "views",
        "failed_views",
        "trigger_id",
        "reason",
    ),
)
TRIGGERS: Final = Table("triggers", ("id", "rule", "site", "subject", "time", "reason", "evidence"))
DELIVERIES: Final = Table(
    "deliveries", ("trigger_id", "endpoint", "attempt", "time", "status", "detail")
)
REJECTS: Final = Table(
    "rejects",
    (
        "id",
        "reason",
        "detail",
        "site",
        "received_at",
        "path",
        "body",
        "cut",
        "sender",
        "method",
        "opt_out",
    ),
)
BOOKS: Final = Table(
    "books", ("site", "time", "declared", "stored", "deduplicated", "rejected", "beyond_window")
)  # one row per source record and site; `time` is the record's newest received_at

ALL: Final = (
    EVENTS,
    ASSERTIONS,
    SESSIONS,
    OUTCOMES,
    IDENTITIES,
    REFUSALS,
    PURCHASES,
    TICKETS,
    FEEDBACK,
    CYCLES,
    FORWARD,
    FLAGS,
    TRIGGERS,
    DELIVERIES,
    REJECTS,
    BOOKS,
)
BY_NAME: Final = {table.name: table for table in ALL}
