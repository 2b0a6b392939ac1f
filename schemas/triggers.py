"""Triggers: what marketing and support systems act on, as CloudEvents 1.0 in JSON."""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final, Literal

from msgspec import Struct

from schemas.origins import Origin

Rule = Literal[
    "dropoff.broke",
    "dropoff.recovered",
    "repurchase.due",
    "repurchase.late",
    "repurchase.lapsed",
    "repurchase.withdrawn",
    "care.unhappy",
    "care.reopened",
]

TYPE_PREFIX: Final = "footfall."


class Trigger(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing to notice about one subject (a person's id, or a page), once per cycle.

    `reason` is a sentence for people; `evidence` holds the numbers behind it. `time` is the log's
    time at the decision, ms.
    """

    id: str
    rule: Rule
    site: str
    subject: str
    time: int
    reason: str
    evidence: dict[str, Any]
    origin: Origin = Origin("", 0, -1, 0)


def trigger_id(rule: str, site: str, subject: str, cycle: str) -> str:
    """The same rule, subject and cycle always give the same id, so receivers can drop repeats."""
    return blake2b("\n".join((rule, site, subject, cycle)).encode(), digest_size=16).hexdigest()


class DeliveryResult(Struct, frozen=True, tag_field="kind", tag="delivery", kw_only=True):
    """What came of handing a trigger to an endpoint; on the `triggers` topic beside triggers.

    `status` is the HTTP status, 0 where there was none. `detail` says why it failed.
    """

    trigger_id: str
    attempt: int
    time: int
    delivered: bool
    status: int
    detail: str = ""


def cloud_event(trigger: Trigger) -> dict[str, Any]:
    """The trigger as a CloudEvents 1.0 JSON object (github.com/cloudevents/spec, v1.0.2)."""
    time = datetime.fromtimestamp(trigger.time / 1000, UTC).isoformat(timespec="milliseconds")
    return {
        "specversion": "1.0",
        "id": trigger.id,
        "source": f"footfall/{trigger.site}",
        "type": TYPE_PREFIX + trigger.rule,
        "subject": trigger.subject,
        "time": time.replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"reason": trigger.reason, "evidence": trigger.evidence},
    }
