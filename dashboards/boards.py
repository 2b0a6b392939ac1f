"""The five dashboards: what is on them, in reading order."""

from typing import Final

from dashboards.panels import Board, Panel

_SHARES: Final = dict.fromkeys(
    ("share", "low", "high", "page_share", "norm", "expected", "observed", "happy"), "percentunit"
)

OVERVIEW: Final = Board(
    "footfall-overview",
    "Footfall · Overview",
    (
        Panel("In this range", "stat", "overview_totals", width=16, height=5),
        Panel("Revenue", "stat", "revenue", width=8, height=5),
        Panel("Visitors, sessions, page views, orders", "timeseries", "overview_series", width=16),
        Panel("Revenue by currency", "timeseries", "revenue_series", width=8),
        Panel("Pages", "table", "top_pages", width=10),
        Panel("Came from", "table", "referrers", width=7),
        Panel("Campaigns", "table", "campaigns", width=7),
        Panel("Devices", "table", "devices", width=6),
        Panel("Browsers", "table", "browsers", width=7),
        Panel("Countries", "table", "countries", width=5),
        Panel("Bots, in no other figure", "table", "bots", width=6),
    ),
)

DROPOFF: Final = Board(
    "footfall-dropoff",
    "Footfall · Drop-off",
    (
        Panel("Breaks and recoveries", "table", "flags", width=24, height=7, units=_SHARES),
        Panel(
            "Who goes forward, with 95 % interval",
            "table",
            "dropoff_pages",
            width=24,
            height=11,
            units=_SHARES,
        ),
        Panel(
            "Share that goes forward",
            "timeseries",
            "dropoff_series",
            unit="percentunit",
            width=14,
            height=10,
        ),
        Panel("Where people go next", "table", "dropoff_next", width=10, height=10, units=_SHARES),
    ),
)

CUSTOMERS: Final = Board(
    "footfall-customers",
    "Footfall · Customers",
    (
        Panel("Who is known, who is due", "stat", "customers_totals", width=24, height=5),
        Panel("Due to buy again", "table", "cycles_due", width=24, height=10, hide=("product_id",)),
        Panel("Repurchase cycles by state", "barchart", "cycles_states", width=8),
        Panel("Devices per person", "barchart", "devices_per_person", width=8),
        Panel("Triggers", "timeseries", "triggers_series", width=8),
        Panel(
            "Newest triggers",
            "table",
            "triggers",
            width=14,
            height=10,
            hide=("id", "evidence", "subject", "person_id"),
        ),
        Panel("Refused links", "table", "link_refusals", width=10, height=10),
    ),
    days=30,
)

SERVICE: Final = Board(
    "footfall-service",
    "Footfall · Service",
    (
        Panel("Tickets by state", "barchart", "tickets_states", width=8),
        Panel("Tickets", "timeseries", "tickets_series", width=16),
        Panel("Hours to an answer, to a solution", "table", "tickets_times"),
        Panel("Satisfaction", "table", "satisfaction", units=_SHARES),
        Panel("Ratings and CSAT, of 5", "timeseries", "satisfaction_series"),
        Panel("Waiting tickets", "table", "tickets_open"),
    ),
    days=30,
)

PIPELINE: Final = Board(
    "footfall-pipeline",
    "Footfall · Pipeline",
    (
        Panel(
            "The books: received = stored + repeats + merged + rejected", "table", "books", height=6
        ),
        Panel("Read so far", "table", "sites", height=6),
        Panel("Received, stored, repeats, rejected", "timeseries", "books_series"),
        Panel("Rejects by reason", "table", "rejects_reasons"),
        Panel("Deliveries to webhooks", "table", "deliveries", width=24, height=5),
        Panel(
            "Records waiting, by stage",
            "timeseries",
            promql="sum by (stage) (footfall_stage_lag_records)",
            labels="{{stage}}",
        ),
        Panel(
            "Events folded in a second",
            "timeseries",
            promql="sum by (stage) (rate(footfall_stage_events_total[1m]))",
            unit="ops",
            labels="{{stage}}",
        ),
        Panel(
            "Seconds to make a batch durable, 99 %",
            "timeseries",
            unit="s",
            labels="{{stage}}",
            promql="histogram_quantile(0.99, sum by (stage, le) "
            "(rate(footfall_stage_flush_seconds_bucket[5m])))",
        ),
        Panel(
            "Collector: answers a second",
            "timeseries",
            unit="reqps",
            labels="{{status}}",
            promql="sum by (status) (rate(footfall_collector_requests_total[1m]))",
        ),
    ),
    days=1,
)

ALL: Final = (OVERVIEW, DROPOFF, CUSTOMERS, SERVICE, PIPELINE)
