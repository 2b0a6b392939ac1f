"""What is remembered of a device: marks of its recent events, and what was already said of them.

Sessions, page outcomes and who used the device are functions of the marks in (time, message_id)
order, so the order of arrival cannot matter. The marks are also the window in which a re-sent
message is told from a new one. Marks of sessions that are over are packed: see `past`.
"""

from bisect import bisect_left
from typing import Final

from msgspec import Struct

MAX_MARKS: Final = 1_000
"""Events remembered per device; older ones fold into `Device.carry`."""

NOBODY: Final = -1
"""`Mark.who` of an event that asserts no identifier."""


WHO_BIT: Final = 8
WHO_MASK: Final = (1 << WHO_BIT) - 1
"""A packed kind's bits: `Mark.who` + 1 is above the others. See `past`."""


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


class Block(Struct, array_like=True, gc=False):
    """Packed marks of one or more sessions: the time of the last, ms to it from the first, how many.

    `who` is that of the newest that asserts an identity. `body` is `past`'s.
    """

    end: int
    length: int
    count: int
    who: int
    body: bytes


class Due(Struct, array_like=True, gc=False):
    """When a device is to be looked at, in the log's time: what `calendar` reads of each one.

    `wake`: to see what became of its events, 0 where all are packed. `oldest`: when its oldest block
    ended, 0 where it has none; a lateness after that the block is forgotten.
    """

    wake: int
    oldest: int


class Device(Struct, array_like=True, gc=False):
    """A device's recent past. `skew` is the least of received − event time: its clock's offset.

    `wake` and `oldest`, as in `Due`, come first. `past` are `packed` marks, whose `kinds` (a step,
    and the rest as bits) and `identities` are numbered for all of them.

    Mostly empty tuples and nothing that can be in a cycle: a hundred thousand of these pass by the
    garbage collector.
    """

    wake: int
    oldest: int
    skew: int
    marks: list[Mark]
    identities: tuple[tuple[str, ...], ...] = ()
    stored: tuple[Span, ...] = ()
    decided: tuple[Decided, ...] = ()
    carry: Span | None = None
    opted_out: bool = False
    past: tuple[Block, ...] = ()
    packed: int = 0
    kinds: tuple[tuple[str, int], ...] = ()


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
    """Whether a message with this id is among the marks that are not packed."""
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
    renumber(device)


def renumber(device: Device) -> None:
    """A till asserts a customer after the other: unused identities would grow without end."""
    if not device.identities:
        return
    packed = {(flags >> WHO_BIT) - 1 for _, flags in device.kinds}
    used = sorted(({mark.who for mark in device.marks} | packed) - {NOBODY})
    if len(used) == len(device.identities):
        return
    number = {NOBODY: NOBODY} | {who: new for new, who in enumerate(used)}
    for mark in device.marks:
        mark.who = number[mark.who]
    for block in device.past:
        block.who = number[block.who]
    device.kinds = tuple(
        (step, flags & WHO_MASK | number[(flags >> WHO_BIT) - 1] + 1 << WHO_BIT)
        for step, flags in device.kinds
    )
    device.identities = tuple(device.identities[who] for who in used)


def _place(mark: Mark) -> tuple[int, str, str]:
    return (mark.time, mark.message_id, mark.fact)
