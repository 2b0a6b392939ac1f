"""Sessions: a device's events with no more than 30 minutes between them, by event time."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.stages.visits.device import Device, RecentEvent, Span, drop_oldest

GAP_MS: Final = 30 * 60 * 1000
"""A longer pause ends a session (the convention of Google Analytics, Matomo and Snowplow)."""


def spans(events: Iterable[RecentEvent], carry: Span | None = None) -> list[Span]:
    """Sessions of events in order; `carry` is a session's beginning whose events are forgotten."""
    over: list[Span] = []
    current = None if carry is None else Span(*_fields(carry))
    for recent in events:
        if not recent.active:
            continue
        if current is None or recent.time - current.end > GAP_MS:
            if current is not None:
                over.append(current)
            current = Span(recent.time, recent.time, 0, 0, "", "", "")
        _extend(current, recent)
    return over if current is None else [*over, current]


def _extend(span: Span, recent: RecentEvent) -> None:
    span.end = max(span.end, recent.time)  # a late one may lie inside what was carried
    span.events += 1
    span.device_class = span.device_class or recent.device_class
    if recent.view:
        span.pages += 1
        span.entry = span.entry or recent.step
        span.exit = recent.step


def _fields(span: Span) -> tuple[int, int, int, int, str, str, str]:
    return (span.start, span.end, span.events, span.pages, span.entry, span.exit, span.device_class)


@dataclass(frozen=True, slots=True)
class SessionDiff:
    """Session rows to write: `updates` are new or changed, `withdrawals` are no sessions any more."""

    updates: list[Span]
    withdrawals: list[Span]


def diff(device: Device, watermark: int) -> SessionDiff:
    """Compare the sessions that are over at `watermark` with those stored; remembers the former.

    A session is over when the device's own time has passed its end by more than the gap.
    """
    over = tuple(s for s in spans(device.events, device.carry) if watermark - s.end > GAP_MS)
    before = {span.start: span for span in device.stored}
    updates = [span for span in over if before.get(span.start) != span]
    starts = {span.start for span in over}
    withdrawals = [span for span in device.stored if span.start not in starts]
    device.stored = over
    return SessionDiff(updates, withdrawals)


def forget(device: Device, before: int, limit: int) -> None:
    """Drop what lies before `before`, whole sessions at a time, and the oldest events above `limit`.

    What the latter leave of an unfinished session is carried as sums.
    """
    oldest = next((s for s in spans(device.events, device.carry) if s.end >= before), None)
    start = before if oldest is None else min(before, oldest.start)
    if device.carry is not None and device.carry.start < start:
        device.carry = None
    _drop(device, bisect_left(device.events, start, key=_time), start)
    if len(device.events) > limit:
        _fold_away(device, len(device.events) - limit)


def _fold_away(device: Device, count: int) -> None:
    """Carry the first `count` events as sums. By number, as thousands of events may have one time."""
    last_span = spans(device.events[:count], device.carry)[-1:]
    device.carry = last_span[0] if last_span else None
    _drop(device, count, device.carry.start if device.carry else device.events[count].time)


def _drop(device: Device, count: int, start: int) -> None:
    drop_oldest(device, count)
    device.stored = tuple(span for span in device.stored if span.start >= start)


def _time(recent: RecentEvent) -> int:
    return recent.time


def close_time(span: Span) -> int:
    """The first ms of the device's time at which the session is over."""
    return span.end + GAP_MS + 1
