"""Attempts at pages and what became of them: the raw material of drop-off.

An attempt opens with the first view of a page; further views of it within the horizon are the same
attempt (somebody reloading a broken page five times is one failure). Its `next` are the distinct
other steps within the horizon. Successes are emitted at the horizon, too: emitted at once, they would
come before the failures, and every fall in traffic would look like a break.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.stages.visits.device import Device, EmittedOutcome, RecentEvent
from pipeline.stages.visits.funnel import Funnel
from schemas.outcomes import MAX_NEXT


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. `final` says whether nothing at or before the watermark can change it."""

    time: int
    message_id: str
    page: str
    device_class: str
    next: tuple[str, ...]
    forward: bool | None
    final: bool


def attempts(
    events: Sequence[RecentEvent], horizon_ms: int, funnel: Funnel, watermark: int
) -> list[Attempt]:
    """All attempts among a device's events (in order), in (time, message_id) order."""
    open_until: dict[str, int] = {}
    in_order: list[Attempt] = []
    for number, recent in enumerate(events):
        if not recent.view or recent.time <= open_until.get(recent.step, -1):
            continue
        open_until[recent.step] = recent.time + horizon_ms
        in_order.append(_attempt(events, number, horizon_ms, funnel, watermark))
    return in_order


def _attempt(
    events: Sequence[RecentEvent], number: int, horizon_ms: int, funnel: Funnel, watermark: int
) -> Attempt:
    first = events[number]
    steps: list[str] = []
    for recent in events[number + 1 :]:
        if recent.time > first.time + horizon_ms or len(steps) == MAX_NEXT:
            break
        if recent.step and recent.step != first.step and recent.step not in steps:
            steps.append(recent.step)
            if funnel.forward(first.step, recent.step):
                break  # whatever follows, this person went on
    forward = funnel.outcome(first.step, steps)
    return Attempt(
        first.time,
        first.message_id,
        first.step,
        first.device_class,
        tuple(steps),
        forward,
        watermark > first.time + horizon_ms,
    )


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """An attempt to emit, with its number of corrections and what was emitted of it before."""

    attempt: Attempt
    revision: int
    before: EmittedOutcome | None


def diff(
    device: Device, horizon_ms: int, funnel: Funnel, watermark: int
) -> tuple[list[OutcomeChange], list[EmittedOutcome], list[Attempt]]:
    """Final attempts that are new or changed; emitted outcomes that are withdrawn; open attempts.

    `device.emitted` is then what has been emitted of final attempts.
    """
    before = {(d.time, d.message_id): d for d in device.emitted}
    changes: list[OutcomeChange] = []
    waiting: list[Attempt] = []
    emitted: list[EmittedOutcome] = []
    for attempt in attempts(device.events, horizon_ms, funnel, watermark):
        if not attempt.final:
            waiting.append(attempt)
            continue
        earlier = before.pop((attempt.time, attempt.message_id), None)
        revision = 0 if earlier is None else earlier.revision
        if earlier is None or (earlier.next, earlier.forward) != (attempt.next, attempt.forward):
            revision += earlier is not None
            changes.append(OutcomeChange(attempt, revision, earlier))
        emitted.append(
            EmittedOutcome(
                attempt.time,
                attempt.message_id,
                attempt.page,
                attempt.device_class,
                attempt.next,
                attempt.forward,
                revision,
            )
        )
    device.emitted = tuple(emitted)
    return changes, list(before.values()), waiting
