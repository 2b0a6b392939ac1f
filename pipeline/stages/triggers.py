"""A trigger goes two ways at once: to the warehouse as a row, to `delivery` as a message."""

import msgspec

from pipeline.engine.stage import Emit
from schemas import topics
from schemas.rows import TriggerRow
from schemas.triggers import Trigger


def emit_trigger(emit: Emit, trigger: Trigger) -> None:
    """Emit a trigger's row and message. Its `origin` was taken from `emit`."""
    emit.row(
        TriggerRow(
            id=trigger.id,
            rule=trigger.rule,
            site=trigger.site,
            subject=trigger.subject,
            time=trigger.time,
            reason=trigger.reason,
            evidence=msgspec.json.encode(trigger.evidence).decode(),
        )
    )
    emit.out(topics.TRIGGERS, trigger.site, trigger)
