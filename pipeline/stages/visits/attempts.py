"""Attempts at pages and what became of them: the raw material of drop-off.

An attempt opens with the first view of a page; further views of it within the horizon are the same
attempt (somebody reloading a broken page five times is one failure). Its `next` are the distinct
other steps within the horizon. Successes, too, are told at the horizon: told at once, they would
run ahead of the failures, and every fall in traffic would look like a break.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.stages.visits.device import Decided, Device, Mark
from pipeline.stages.visits.funnel import Funnel
from schemas.outcomes import MAX_NEXT


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. `decided` says whether nothing at or before the watermark can change it."""

    time: int
    message_id: str
    page: str
    device_class: str
    next: tuple[str, ...]
    forward: bool | None
    decided: bool


def attempts(marks: Sequence[Mark], horizon: int, funnel: Funnel, watermark: int) -> list[Attempt]:
    """All attempts of a device's marks (in order), in (time, message_id) order. `horizon` in ms."""
    open_until: dict[str, int] = {}
    found: list[Attempt] = []
    for number, mark in enumerate(marks):
        if not mark.view or mark.time <= open_until.get(mark.step, -1):
            continue
        open_until[mark.step] = mark.time + horizon
        found.append(_attempt(marks, number, horizon, funnel, watermark))
    return found


def _attempt(
    marks: Sequence[Mark], number: int, horizon: int, funnel: Funnel, watermark: int
) -> Attempt:
    first = marks[number]
    steps: list[str] = []
    for mark in marks[number + 1 :]:
        if mark.time > first.time + horizon or len(steps) == MAX_NEXT:
            break
        if mark.step and mark.step != first.step and mark.step not in steps:
            steps.append(mark.step)
            if funnel.forward(first.step, mark.step):
                break  # whatever follows, this person went on
    forward = funnel.outcome(first.step, steps)
    return Attempt(
        first.time,
        first.message_id,
        first.step,
        first.device_class,
        tuple(steps),
        forward,
        watermark > first.time + horizon,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """An attempt to tell, with its number of corrections and what was said of it before."""

    attempt: Attempt
    revision: int
    before: Decided | None


def restate(
    device: Device, horizon: int, funnel: Funnel, watermark: int
) -> tuple[list[Told], list[Decided], list[Attempt]]:
    """Decided attempts that are new or changed; told ones that are none any more; undecided ones.

    Remembers in `device.decided` what is told.
    """
    before = {(d.time, d.message_id): d for d in device.decided}
    told: list[Told] = []
    waiting: list[Attempt] = []
    decided: list[Decided] = []
    for attempt in attempts(device.marks, horizon, funnel, watermark):
        if not attempt.decided:
            waiting.append(attempt)
            continue
        known = before.pop((attempt.time, attempt.message_id), None)
        revision = 0 if known is None else known.revision
        if known is None or (known.next, known.forward) != (attempt.next, attempt.forward):
            revision += known is not None
            told.append(Told(attempt, revision, known))
        decided.append(
            Decided(
                attempt.time,
                attempt.message_id,
                attempt.page,
                attempt.device_class,
                attempt.next,
                attempt.forward,
                revision,
            )
        )
    device.decided = tuple(decided)
    return told, list(before.values()), waiting
