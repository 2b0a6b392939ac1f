"""Sessions: a device's events with no more than 30 minutes between them, by event time."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.stages.visits.device import Device, Mark, Span, drop_oldest

GAP_MS: Final = 30 * 60 * 1000
"""A longer pause ends a session (the convention of Google Analytics, Matomo and Snowplow)."""


def spans(marks: Iterable[Mark], carry: Span | None = None) -> list[Span]:
    """Sessions of marks in order; `carry` is a session's beginning whose marks are gone."""
    found: list[Span] = []
    current = None if carry is None else Span(*_fields(carry))
    for mark in marks:
        if not mark.active:
            continue
        if current is None or mark.time - current.end > GAP_MS:
            if current is not None:
                found.append(current)
            current = Span(mark.time, mark.time, 0, 0, "", "", "")
        _extend(current, mark)
    return found if current is None else [*found, current]


def _extend(span: Span, mark: Mark) -> None:
    span.end = max(span.end, mark.time)  # a late one may lie inside what was carried
    span.events += 1
    span.device_class = span.device_class or mark.device_class
    if mark.view:
        span.pages += 1
        span.entry = span.entry or mark.step
        span.exit = mark.step


def _fields(span: Span) -> tuple[int, int, int, int, str, str, str]:
    return (span.start, span.end, span.events, span.pages, span.entry, span.exit, span.device_class)


@dataclass(frozen=True, slots=True)
class Restated:
    """Session rows to write: `told` are new or changed, `withdrawn` are no sessions any more."""

    told: list[Span]
    withdrawn: list[Span]


def restate(device: Device, watermark: int) -> Restated:
    """Compare the sessions that are over at `watermark` with those stored; remembers the former.

    A session is over when the device's own time has passed its end by more than the gap.
    """
    over = tuple(s for s in spans(device.marks, device.carry) if watermark - s.end > GAP_MS)
    before = {span.start: span for span in device.stored}
    told = [span for span in over if before.get(span.start) != span]
    starts = {span.start for span in over}
    withdrawn = [span for span in device.stored if span.start not in starts]
    device.stored = over
    return Restated(told, withdrawn)


def forget(device: Device, before: int, most: int) -> None:
    """Drop what lies before `before`, whole sessions at a time, and the oldest marks above `most`.

    What the latter leave of an unfinished session is carried as sums.
    """
    kept = next((s for s in spans(device.marks, device.carry) if s.end >= before), None)
    start = before if kept is None else min(before, kept.start)
    if device.carry is not None and device.carry.start < start:
        device.carry = None
    _drop(device, bisect_left(device.marks, start, key=_time), start)
    if len(device.marks) > most:
        _fold_away(device, len(device.marks) - most)


def _fold_away(device: Device, count: int) -> None:
    """By number, not by time: thousands of events may have one time."""
    rest = spans(device.marks[:count], device.carry)[-1:]
    device.carry = rest[0] if rest else None
    _drop(device, count, device.carry.start if device.carry else device.marks[count].time)


def _drop(device: Device, count: int, start: int) -> None:
    drop_oldest(device, count)
    device.stored = tuple(span for span in device.stored if span.start >= start)


def _time(mark: Mark) -> int:
    return mark.time


def close_time(span: Span) -> int:
    """The first ms of the device's time at which the session is over."""
    return span.end + GAP_MS + 1
