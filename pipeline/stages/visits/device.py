"""What is remembered of a device: its recent events, and what was already emitted about them.

Sessions, page outcomes and who used the device are functions of the recent events in (time,
message_id) order, so the order of arrival cannot matter. They are also the window in which a re-sent
message is recognised. Events of sessions that are over are packed: see `packed_sessions`.
"""

from bisect import bisect_left
from typing import Final

from msgspec import Struct

MAX_RECENT_EVENTS: Final = 1_000
"""Events remembered per device; older ones fold into `Device.carry`."""

NOBODY: Final = -1
"""`RecentEvent.identity_index` of an event that asserts no identifier."""

SERVER_TYPES: Final = ("", "purchase", "ticket", "feedback")
"""What `RecentEvent.server_type` may be. Packed as an index: the order must stay."""

IDENTITY_BIT: Final = 8
IDENTITY_MASK: Final = (1 << IDENTITY_BIT) - 1
"""A packed kind's bits: `identity_index` + 1 is above the others. See `packed_sessions`."""


class RecentEvent(Struct, array_like=True, order=True, gc=False):
    """One event: its time (ms), id, the step it is in a funnel ("" for none) and what else counts.

    `view` says that `step` is a page. `identity_index` is an index of `Device.identities` (NOBODY:
    none). `server_type` is the event's type where pages may be denied sending it, so that a click with
    an order's id is no repeat of the order. `active` events open or extend a session.
    """

    time: int
    message_id: str
    step: str = ""
    view: bool = False
    identity_index: int = NOBODY
    device_class: str = ""
    active: bool = True
    server_type: str = ""


class Span(Struct, array_like=True, gc=False):
    """A session's sums. `entry` and `exit` are page templates, "" where it has no page."""

    start: int
    end: int
    events: int
    pages: int
    entry: str
    exit: str
    device_class: str


class EmittedOutcome(Struct, array_like=True, gc=False):
    """An attempt at a page as it was last emitted; `revision` counts corrections."""

    time: int
    message_id: str
    page: str
    device_class: str
    next: tuple[str, ...]
    forward: bool | None
    revision: int


class Block(Struct, array_like=True, gc=False):
    """Packed events of one or more sessions: the time of the last, ms to it from the first, how many.

    `identity_index` is that of the newest that asserts an identity. `body` is `packed_sessions`'.
    """

    end: int
    length: int
    count: int
    identity_index: int
    body: bytes


class Due(Struct, array_like=True, gc=False):
    """When a device is to be reviewed, in the log's time: what `calendar` reads of each one.

    `wake_at`: to see what became of its events, 0 where all are packed. `oldest_at`: when its oldest
    block ended, 0 where it has none; a lateness after that the block is forgotten.
    """

    wake_at: int
    oldest_at: int


class Device(Struct, array_like=True, gc=False):
    """A device's recent past. `skew` is the least of received − event time: its clock's offset.

    `wake_at` and `oldest_at`, as in `Due`, come first. `packed_blocks` hold `packed_events` events,
    whose `kinds` (a step, and flags as bits) and `identities` are numbered for all of them.

    Mostly empty tuples, and nothing that can be in a cycle, so that the garbage collector need not look
    at a hundred thousand of these.
    """

    wake_at: int
    oldest_at: int
    skew: int
    events: list[RecentEvent]
    identities: tuple[tuple[str, ...], ...] = ()
    stored: tuple[Span, ...] = ()
    emitted: tuple[EmittedOutcome, ...] = ()
    carry: Span | None = None
    opted_out: bool = False
    packed_blocks: tuple[Block, ...] = ()
    packed_events: int = 0
    kinds: tuple[tuple[str, int], ...] = ()


def all_packed(encoded: bytes) -> bool:
    """Whether all events of an encoded device are packed: `wake_at`, behind the array's head, is 0."""
    return encoded[1] == 0


def remember(device: Device, recent: RecentEvent) -> int | None:
    """Insert an event in order; its index, or None where the message is already there."""
    events = device.events
    if not events or events[-1].time < recent.time:
        events.append(recent)
        return len(events) - 1
    low = bisect_left(events, _order(recent), key=_order)
    if low < len(events) and _order(events[low]) == _order(recent):
        return None
    events.insert(low, recent)
    return low


def knows(device: Device, message_id: str, server_type: str) -> bool:
    """Whether a message with this id is among the events that are not packed."""
    for recent in device.events:  # any() takes twice as long, on every event
        if recent.message_id == message_id and recent.server_type == server_type:
            return True
    return False


def index_of(device: Device, identifiers: tuple[str, ...]) -> int:
    """The number of an identity asserted on the device."""
    if identifiers not in device.identities:
        device.identities += (identifiers,)
    return device.identities.index(identifiers)


def drop_oldest(device: Device, count: int) -> None:
    """Forget the first `count` events, what was emitted of them, and identities no other event asserts."""
    if count <= 0:
        return
    device.events = device.events[count:]
    first = _order(device.events[0])[:2] if device.events else None
    device.emitted = tuple(
        outcome
        for outcome in device.emitted
        if first and (outcome.time, outcome.message_id) >= first
    )
    renumber(device)


def renumber(device: Device) -> None:
    """Drop identities that no event asserts any more, and number the others again.

    A shop's till asserts one customer after another: they would add up without end.
    """
    if not device.identities:
        return
    packed_indexes = {(flags >> IDENTITY_BIT) - 1 for _, flags in device.kinds}
    indexes_in_use = sorted(
        ({recent.identity_index for recent in device.events} | packed_indexes) - {NOBODY}
    )
    if len(indexes_in_use) == len(device.identities):
        return
    number = {NOBODY: NOBODY} | {
        identity_index: new for new, identity_index in enumerate(indexes_in_use)
    }
    for recent in device.events:
        recent.identity_index = number[recent.identity_index]
    for block in device.packed_blocks:
        block.identity_index = number[block.identity_index]
    device.kinds = tuple(
        (step, flags & IDENTITY_MASK | number[(flags >> IDENTITY_BIT) - 1] + 1 << IDENTITY_BIT)
        for step, flags in device.kinds
    )
    device.identities = tuple(
        device.identities[identity_index] for identity_index in indexes_in_use
    )


def _order(recent: RecentEvent) -> tuple[int, str, str]:
    return (recent.time, recent.message_id, recent.server_type)
