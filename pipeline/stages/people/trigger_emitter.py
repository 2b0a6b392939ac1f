"""Triggers about people: the message for `delivery` and the row for the warehouse."""

from datetime import UTC, datetime
from typing import Any

from pipeline.stages.people.context import RecordContext
from pipeline.stages.people.identity import person_id
from pipeline.stages.people.state import DEVICE
from pipeline.stages.triggers import emit_trigger
from schemas.triggers import Rule, Trigger, trigger_id


def emit_for_person(
    context: RecordContext,
    rule: Rule,
    site: str,
    person: str,
    cycle: str,
    message: tuple[str, dict[str, Any]],
) -> str:
    """Emit a trigger about `person` (a canonical identifier); `message` is reason and evidence.

    Answers the trigger's id.
    """
    subject = person_id(site, person)
    reason, evidence = message
    evidence = {"identifier": person, **evidence}
    trigger = Trigger(
        id=trigger_id(rule, site, subject, cycle),
        rule=rule,
        site=site,
        subject=subject,
        time=context.state.now,
        reason=reason,
        evidence=evidence,
        origin=context.emit.origin,
    )
    emit_trigger(context.emit, trigger)
    return trigger.id


def opted_out(context: RecordContext, site: str, person: str) -> bool:
    """Whether any of the person's identifiers or devices said so."""
    state = context.state
    if person.startswith(DEVICE):
        device = state.devices.get(f"{site}\n{person.removeprefix(DEVICE)}")
        return device is not None and device.opt_out
    nodes = (state.nodes.get(f"{site}\n{member}") for member in state.members(site, person))
    return any(node is not None and node.opt_out for node in nodes)


def date(time: int) -> str:
    """The UTC date of a time in ms, for sentences."""
    return datetime.fromtimestamp(time / 1000, UTC).date().isoformat()
