"""A device's sessions that are over, packed: a quarter of the bytes, and not decoded for new events.

What was emitted of them follows from their events, so only the numbers of corrections are stored. A
block ends where no session and no attempt can go on, so it does not depend on others. It is unpacked
when an event comes so late that it may change it.
"""

import re
from bisect import bisect_left
from itertools import accumulate
from typing import Final, get_args

import msgspec
from msgspec import Struct

from pipeline.stages.visits.attempts import attempts
from pipeline.stages.visits.device import (
    IDENTITY_BIT,
    NOBODY,
    SERVER_TYPES,
    Block,
    Device,
    EmittedOutcome,
    RecentEvent,
    renumber,
)
from pipeline.stages.visits.device import knows as knows_unpacked
from pipeline.stages.visits.funnel import Funnel
from pipeline.stages.visits.sessions import GAP_MS, spans
from schemas.events import DeviceClass

KINDS_BEFORE_CLEANUP: Final = 32
"""A device with more kinds is searched for those that only forgotten events had."""

_CLASSES: Final = get_args(DeviceClass)
_HEX: Final = "[0-9a-f]"
_UUIDS: Final = re.compile(f"(?:{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}})+")
_UUID_LENGTH: Final = 36
_IS_UUID: Final = b"u"
_IS_TEXT: Final = b"t"


class _Body(Struct, array_like=True, gc=False):
    """A block's events by column: ms since the one before, number in `Device.kinds`, id.

    Ids are 16 bytes each where all are UUIDs as they are usually written; else the first byte of each
    says which it is. `revisions` has the corrected attempts by their number.
    """

    times: list[int]
    kinds: list[int]
    ids: bytes | list[bytes]
    revisions: dict[int, int]


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Body).decode


def knows(device: Device, message_id: str, server_type: str) -> bool:
    """Whether a message with this id is remembered of the device, whatever its time."""
    if knows_unpacked(device, message_id, server_type):
        return True
    if not device.packed_blocks:
        return False
    needle = _pack_id(message_id)[1:]
    return any(
        needle in block.body
        and any(
            (recent.message_id, recent.server_type) == (message_id, server_type)
            for recent in _recent_events(device, block)
        )
        for block in device.packed_blocks
    )


def last_identity_index(device: Device) -> int:
    """`identity_index` of the newest packed event that asserts one; NOBODY where none does."""
    return next(
        (b.identity_index for b in reversed(device.packed_blocks) if b.identity_index != NOBODY),
        NOBODY,
    )


def oldest_time(device: Device) -> int:
    """The time, ms, of the oldest remembered event; 0 where there is none."""
    if device.packed_blocks:
        return device.packed_blocks[0].end - device.packed_blocks[0].length
    return device.events[0].time if device.events else 0


def newest_time(device: Device) -> int:
    """The time, ms, of the newest remembered event; 0 where there is none."""
    if device.events:
        return device.events[-1].time
    return device.packed_blocks[-1].end if device.packed_blocks else 0


def pack(device: Device, watermark: int) -> None:
    """Pack what only a late event can change. Outcomes that are final by now must have been emitted."""
    cut = 0 if device.carry is not None else _cut(device.events, watermark)
    if not cut:
        return
    over, device.events = device.events[:cut], device.events[cut:]
    first = device.events[0].time if device.events else over[-1].time + 1
    emitted = [outcome for outcome in device.emitted if outcome.time < first]
    device.emitted = tuple(outcome for outcome in device.emitted if outcome.time >= first)
    device.stored = tuple(span for span in device.stored if span.start >= first)
    device.packed_blocks += tuple(_block(device, events, emitted) for events in _groups(over))
    device.packed_events += cut


def unpack(device: Device, since: int, horizon_ms: int, funnel: Funnel) -> None:
    """Unpack what an event at `since`, ms, may change, and everything after it."""
    count = bisect_left(device.packed_blocks, since - GAP_MS, key=lambda block: block.end)
    blocks, device.packed_blocks = device.packed_blocks[count:], device.packed_blocks[:count]
    events: list[RecentEvent] = []
    outcomes: list[EmittedOutcome] = []
    for block in blocks:
        block_events = _recent_events(device, block)
        revisions = _decode(block.body).revisions
        events += block_events
        outcomes += _emitted_outcomes(block_events, horizon_ms, funnel, revisions)
    device.events = events + device.events
    device.stored = tuple(spans(events)) + device.stored
    device.emitted = tuple(outcomes) + device.emitted
    device.packed_events -= len(events)
    if not device.packed_blocks:
        device.kinds = ()


def forget(device: Device, before: int) -> None:
    """Drop the blocks that end before `before`."""
    count = bisect_left(device.packed_blocks, before, key=lambda block: block.end)
    if not count:
        return
    device.packed_events -= sum(block.count for block in device.packed_blocks[:count])
    device.packed_blocks = device.packed_blocks[count:]
    if not device.packed_blocks:
        device.kinds = ()
    elif max(len(device.kinds), len(device.identities)) > KINDS_BEFORE_CLEANUP:
        _drop_unused_kinds(device)
    renumber(device)


def _drop_unused_kinds(device: Device) -> None:
    """Drop the kinds that no packed event has any more, and number the others again."""
    blocks = [(block, _decode(block.body)) for block in device.packed_blocks]
    kinds_in_use = sorted({kind for _, body in blocks for kind in body.kinds})
    if len(kinds_in_use) == len(device.kinds):
        return
    number = {old: new for new, old in enumerate(kinds_in_use)}
    device.kinds = tuple(device.kinds[kind] for kind in kinds_in_use)
    for block, body in blocks:
        body.kinds = [number[kind] for kind in body.kinds]
        block.body = _encode(body)


def _cut(events: list[RecentEvent], watermark: int) -> int:
    """How many events can be packed: those before the last pause that ends sessions and attempts."""
    after = watermark
    for count in range(len(events), 0, -1):
        time = events[count - 1].time
        if after - time > GAP_MS and watermark - time > GAP_MS:
            return count
        after = time
    return 0


def _groups(events: list[RecentEvent]) -> list[list[RecentEvent]]:
    """Events between pauses."""
    groups = [[events[0]]]
    for recent in events[1:]:
        if recent.time - groups[-1][-1].time > GAP_MS:
            groups.append([recent])
        else:
            groups[-1].append(recent)
    return groups


def _block(device: Device, events: list[RecentEvent], emitted: list[EmittedOutcome]) -> Block:
    start, end = events[0].time, events[-1].time
    numbers = {kind: number for number, kind in enumerate(device.kinds)}
    kinds = [numbers.setdefault(_kind(recent), len(numbers)) for recent in events]
    device.kinds = tuple(numbers)
    outcomes = (outcome for outcome in emitted if start <= outcome.time <= end)
    revisions = {n: outcome.revision for n, outcome in enumerate(outcomes) if outcome.revision}
    times = [recent.time for recent in events]
    steps = [time - before for time, before in zip(times[1:], times, strict=False)]
    ids = _pack_ids([recent.message_id for recent in events])
    identity_index = next(
        (recent.identity_index for recent in reversed(events) if recent.identity_index != NOBODY),
        NOBODY,
    )
    body = _encode(_Body(steps, kinds, ids, revisions))
    return Block(end, end - start, len(events), identity_index, body)


def _kind(recent: RecentEvent) -> tuple[str, int]:
    return (
        recent.step,
        recent.view
        | recent.active << 1
        | SERVER_TYPES.index(recent.server_type) << 2
        | _CLASSES.index(recent.device_class) << 4
        | recent.identity_index + 1 << IDENTITY_BIT,
    )


def _recent_events(device: Device, block: Block) -> list[RecentEvent]:
    body = _decode(block.body)
    times = accumulate(body.times, initial=block.end - block.length)
    events = []
    for time, message_id, number in zip(times, _ids(body.ids), body.kinds, strict=True):
        step, flags = device.kinds[number]
        events.append(
            RecentEvent(
                time,
                message_id,
                step,
                bool(flags & 1),
                (flags >> IDENTITY_BIT) - 1,
                _CLASSES[flags >> 4 & 15],
                bool(flags & 2),
                SERVER_TYPES[flags >> 2 & 3],
            )
        )
    return events


def _emitted_outcomes(
    events: list[RecentEvent], horizon_ms: int, funnel: Funnel, revisions: dict[int, int]
) -> list[EmittedOutcome]:
    block_attempts = attempts(events, horizon_ms, funnel, events[-1].time + horizon_ms + 1)
    return [
        EmittedOutcome(
            a.time,
            a.message_id,
            a.page,
            a.device_class,
            a.next,
            a.forward,
            revisions.get(number, 0),
        )
        for number, a in enumerate(block_attempts)
    ]


def _pack_ids(ids: list[str]) -> bytes | list[bytes]:
    text = "".join(ids)
    if (
        len(text) == _UUID_LENGTH * len(ids)
        and max(map(len, ids)) == _UUID_LENGTH
        and _UUIDS.fullmatch(text)
    ):
        return bytes.fromhex(text.replace("-", ""))
    return [_pack_id(message_id) for message_id in ids]


def _pack_id(message_id: str) -> bytes:
    if len(message_id) == _UUID_LENGTH and _UUIDS.fullmatch(message_id):
        return _IS_UUID + bytes.fromhex(message_id.replace("-", ""))
    return _IS_TEXT + message_id.encode()


def _ids(packed_ids: bytes | list[bytes]) -> list[str]:
    if isinstance(packed_ids, bytes):
        digits = packed_ids.hex()
        return [_uuid(digits[start : start + 32]) for start in range(0, len(digits), 32)]
    return [_uuid(p[1:].hex()) if p[:1] == _IS_UUID else p[1:].decode() for p in packed_ids]


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
