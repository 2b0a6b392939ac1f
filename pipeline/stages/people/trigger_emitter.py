"""Triggers about people: one message to whoever acts, one row for the record."""

from datetime import UTC, datetime
from typing import Any

from pipeline.stages.people.context import Turn
from pipeline.stages.people.identity import person_id
from pipeline.stages.people.state import DEVICE
from pipeline.stages.triggers import emit_trigger
from schemas.triggers import Rule, Trigger, trigger_id


def send(
    turn: Turn, rule: Rule, site: str, person: str, cycle: str, told: tuple[str, dict[str, Any]]
) -> str:
    """Tell of `person` (a canonical identifier); `told` is reason and evidence. Answers the id."""
    subject = person_id(site, person)
    reason, evidence = told
    evidence = {"identifier": person, **evidence}
    trigger = Trigger(
        id=trigger_id(rule, site, subject, cycle),
        rule=rule,
        site=site,
        subject=subject,
        time=turn.state.now,
        reason=reason,
        evidence=evidence,
        origin=turn.emit.origin,
    )
    emit_trigger(turn.emit, trigger)
    return trigger.id


def opted_out(turn: Turn, site: str, person: str) -> bool:
    """Whether any of the person's identifiers or devices said so."""
    state = turn.state
    if person.startswith(DEVICE):
        device = state.devices.get(f"{site}\n{person.removeprefix(DEVICE)}")
        return device is not None and device.opt_out
    nodes = (state.nodes.get(f"{site}\n{member}") for member in state.members(site, person))
    return any(node is not None and node.opt_out for node in nodes)


def date(time: int) -> str:
    """The UTC date of a time in ms, for sentences."""
    return datetime.fromtimestamp(time / 1000, UTC).date().isoformat()
