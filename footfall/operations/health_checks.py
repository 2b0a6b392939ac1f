"""What the warehouse tells of trouble: input refused, triggers not delivered, orders without money."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import sql
from footfall.operations.finding import Finding, many
from footfall.operations.warehouse_client import ask
from pipeline.clock import wall
from pipeline.settings import Settings
from pipeline.stages.delivery.stage import PAUSES_SECONDS
from schemas.rejects import Reason
from schemas.time_units import HOUR_MS

ATTEMPTS: Final = len(PAUSES_SECONDS) + 1
"""Of one trigger; then it is given up."""
_ATTEMPTS_LAST: Final = 96 * HOUR_MS
"""All attempts of one trigger fit in."""
_NAMED: Final = 3
"""Reasons that are named; the others are counted."""


def failed_checks(settings: Settings) -> Iterator[Finding]:
    """All there is to tell. Raises what asking the warehouse raises."""
    now = wall()
    rejects = _rows(settings, "rejects_reasons", {"from": now - 24 * HOUR_MS, "to": now})
    yield from rejected(rejects)
    since = {"from": now - _ATTEMPTS_LAST, "attempts": ATTEMPTS}
    (deliveries,) = _rows(settings, "deliveries_now", since)
    yield from undelivered(deliveries, bool(settings.webhook_url))
    yield from moneyless(_rows(settings, "orders_moneyless", {"from": now - 24 * HOUR_MS}))


def _rows(settings: Settings, query: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    return ask(settings, sql.load(f"queries/{query}"), params).dicts()


def rejected(reasons: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """`reasons`: rows of `rejects_reasons`, of a day."""
    counts = {row["reason"]: int(row["rejects"]) for row in reasons}
    lost = counts.pop(Reason.REJECTS_NOT_KEPT.value, 0)
    if failures := counts.pop(Reason.PROCESSING_FAILED.value, 0):
        show = f"footfall rejects list --reason {Reason.PROCESSING_FAILED.value}"
        yield Finding(
            "rejects",
            False,
            f"Footfall failed to process {many(failures, 'line')} in 24 h",
            f"Report it: {show}",
        )
    if damaged := counts.get(Reason.DAMAGED_RECORD.value, 0):
        yield Finding(
            "log",
            False,
            f"{many(damaged, 'line')} of the log came back damaged in 24 h",
            "Look after the disk; what was lost: footfall rejects list --reason "
            f"{Reason.DAMAGED_RECORD.value}",
        )
    if counts:
        listed_counts = [f"{reason} {number:,}" for reason, number in list(counts.items())[:_NAMED]]
        if remaining := sum(list(counts.values())[_NAMED:]):
            listed_counts.append(f"others {remaining:,}")
        yield Finding(
            "rejects",
            True,
            f"{sum(counts.values()):,} in 24 h: {', '.join(listed_counts)}",
            f"footfall rejects list --reason {next(iter(counts))}",
        )
    if lost:
        yield Finding(
            "rejects",
            True,
            "more came in 24 h than are kept",
            f"footfall rejects list --reason {Reason.REJECTS_NOT_KEPT.value}",
        )


def undelivered(row: dict[str, Any], configured: bool) -> Iterator[Finding]:
    """`row`: the one of `deliveries_now`. Says nothing where nothing is or was to be delivered."""
    waiting, given_up = int(row["waiting"]), int(row["given_up"])
    if waiting or given_up:
        matches = f"{many(waiting, 'trigger')} not delivered yet"
        if given_up:
            matches += f", {given_up:,} given up after {ATTEMPTS} attempts"
        yield Finding(
            "webhook",
            False,
            f"{matches}; last answer: {row['answer']}",
            "Look at FOOTFALL_WEBHOOK_URL and at what answers there.",
        )
    elif configured or int(row["delivered"]):
        delivered = many(int(row["delivered"]), "trigger")
        yield Finding("webhook", True, f"{delivered} delivered in 4 days")


def moneyless(sites: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """`sites`: rows of `orders_moneyless`, of a day."""
    for row in sites:
        orders = many(int(row["orders"]), "order")
        yield Finding(
            "orders",
            True,
            f"site {row['site']}: {orders} in 24 h without a currency",
            "Send `currency` with each: revenue is counted by it.",
        )
