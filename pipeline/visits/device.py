"""What is remembered of a device: marks of its recent events, and what was already said of them.

Sessions, page outcomes and who used the device are functions of the marks in (time, message_id)
order, so the order of arrival cannot matter. The marks are also the window in which a re-sent
message is told from a new one.
"""

from bisect import bisect_left
from typing import Final

from msgspec import Struct

MAX_MARKS: Final = 1_000
"""Events remembered per device; older ones fold into `Device.carry`."""

NOBODY: Final = -1
"""`Mark.who` of an event that asserts no identifier."""


class Mark(Struct, array_like=True, order=True, gc=False):
    """One event: its time (ms), id, the step it is in a funnel ("" for none) and what else counts.

    `view` says that `step` is a page. `who` indexes `Device.identities` (NOBODY: none). `fact` is the
    type of an event that only servers are believed about: a click with an order's id is not it.
    """

    time: int
    message_id: str
    step: str = ""
    view: bool = False
    who: int = NOBODY
    device_class: str = ""
    active: bool = True
    fact: str = ""


class Span(Struct, array_like=True, gc=False):
    """A session's sums. `entry` and `exit` are page templates, "" where it has no page."""

    start: int
    end: int
    events: int
    pages: int
    entry: str
    exit: str
    device_class: str


class Decided(Struct, array_like=True, gc=False):
    """An attempt at a page that was told: what was said, and how often it was corrected."""

    time: int
    message_id: str
    page: str
    device_class: str
    next: tuple[str, ...]
    forward: bool | None
    revision: int


class Device(Struct, array_like=True, gc=False):
    """A device's recent past. `skew` is the least of received − event time: its clock's offset.

    Mostly empty tuples and nothing that can be in a cycle: a hundred thousand of these pass by the
    garbage collector.
    """

    skew: int
    marks: list[Mark]
    identities: tuple[tuple[str, ...], ...] = ()
    stored: tuple[Span, ...] = ()
    decided: tuple[Decided, ...] = ()
    carry: Span | None = None
    opted_out: bool = False


def remember(device: Device, mark: Mark) -> int | None:
    """Insert a mark in order; its place, or None where the message is already there."""
    marks = device.marks
    if not marks or marks[-1].time < mark.time:
        marks.append(mark)
        return len(marks) - 1
    low = bisect_left(marks, _place(mark), key=_place)
    if low < len(marks) and _place(marks[low]) == _place(mark):
        return None
    marks.insert(low, mark)
    return low


def knows(device: Device, message_id: str, fact: str) -> bool:
    """Whether a message with this id is among the marks, whatever its time."""
    for mark in device.marks:  # noqa: SIM110  # any() takes twice as long, on every event
        if mark.message_id == message_id and mark.fact == fact:
            return True
    return False


def index_of(device: Device, identifiers: tuple[str, ...]) -> int:
    """The number of an identity asserted on the device."""
    if identifiers not in device.identities:
        device.identities += (identifiers,)
    return device.identities.index(identifiers)


def drop_oldest(device: Device, count: int) -> None:
    """Forget the first `count` marks, what was told of them, and identities nobody else asserts."""
    if count <= 0:
        return
    device.marks = device.marks[count:]
    first = _place(device.marks[0])[:2] if device.marks else None
    device.decided = tuple(
        told for told in device.decided if first and (told.time, told.message_id) >= first
    )
    _renumber(device)


def _renumber(device: Device) -> None:
    """A till asserts a customer after the other: unused identities would grow without end."""
    used = sorted({mark.who for mark in device.marks} - {NOBODY})
    if len(used) == len(device.identities):
        return
    number = {NOBODY: NOBODY} | {who: new for new, who in enumerate(used)}
    for mark in device.marks:
        mark.who = number[mark.who]
    device.identities = tuple(device.identities[who] for who in used)


def _place(mark: Mark) -> tuple[int, str, str]:
    return (mark.time, mark.message_id, mark.fact)
