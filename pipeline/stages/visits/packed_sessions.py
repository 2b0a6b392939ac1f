"""A device's sessions that are over, packed: a quarter of the bytes, and not looked into.

What was told of them follows from their marks, so it is not kept, but for how often it was
corrected. A block ends where no session and no attempt can go on, so blocks stand alone. One is
unpacked when an event comes so late that it touches it.
"""

import re
from bisect import bisect_left
from itertools import accumulate
from typing import Final, get_args

import msgspec
from msgspec import Struct

from pipeline.stages.visits import device as hot
from pipeline.stages.visits.attempts import attempts
from pipeline.stages.visits.device import NOBODY, WHO_BIT, Block, Decided, Device, Mark, renumber
from pipeline.stages.visits.funnel import Funnel
from pipeline.stages.visits.sessions import GAP_MS, spans
from schemas.events import DeviceClass

MOST_KINDS: Final = 32
"""Of a device, before those that only forgotten marks had are looked for."""

_CLASSES: Final = get_args(DeviceClass)
_FACTS: Final = ("", "purchase", "ticket", "feedback")
_HEX: Final = "[0-9a-f]"
_UUIDS: Final = re.compile(f"(?:{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}})+")
_UUID_LENGTH: Final = 36
_IS_UUID: Final = b"u"
_IS_TEXT: Final = b"t"


class _Body(Struct, array_like=True, gc=False):
    """A block's marks by column: ms since the one before, number in `Device.kinds`, id.

    Ids are 16 bytes each where all are UUIDs as they are usually written, else each says what it is
    in a byte. `revisions` has the
    corrected attempts by their number.
    """

    times: list[int]
    kinds: list[int]
    ids: bytes | list[bytes]
    revisions: dict[int, int]


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Body).decode


def knows(device: Device, message_id: str, fact: str) -> bool:
    """Whether a message with this id is remembered of the device, whatever its time."""
    if hot.knows(device, message_id, fact):
        return True
    if not device.past:
        return False
    needle = _packed(message_id)[1:]
    return any(
        needle in block.body
        and any((m.message_id, m.fact) == (message_id, fact) for m in _marks(device, block))
        for block in device.past
    )


def last_who(device: Device) -> int:
    """`Mark.who` of the newest packed mark that asserts an identity; NOBODY where none does."""
    return next((b.who for b in reversed(device.past) if b.who != NOBODY), NOBODY)


def oldest_time(device: Device) -> int:
    """The time, ms, of the oldest remembered mark; 0 where there is none."""
    if device.past:
        return device.past[0].end - device.past[0].length
    return device.marks[0].time if device.marks else 0


def newest_time(device: Device) -> int:
    """The time, ms, of the newest remembered mark; 0 where there is none."""
    if device.marks:
        return device.marks[-1].time
    return device.past[-1].end if device.past else 0


def pack(device: Device, watermark: int) -> None:
    """Pack what nothing but a late event can change. All that is decided by now must be told."""
    cut = 0 if device.carry is not None else _cut(device.marks, watermark)
    if not cut:
        return
    over, device.marks = device.marks[:cut], device.marks[cut:]
    first = device.marks[0].time if device.marks else over[-1].time + 1
    told = [decided for decided in device.decided if decided.time < first]
    device.decided = tuple(decided for decided in device.decided if decided.time >= first)
    device.stored = tuple(span for span in device.stored if span.start >= first)
    device.past += tuple(_block(device, marks, told) for marks in _groups(over))
    device.packed += cut


def unpack(device: Device, since: int, horizon: int, funnel: Funnel) -> None:
    """Unpack what an event at `since` may touch, and all that came after."""
    count = bisect_left(device.past, since - GAP_MS, key=lambda block: block.end)
    blocks, device.past = device.past[count:], device.past[:count]
    marks: list[Mark] = []
    decided: list[Decided] = []
    for block in blocks:
        of_block = _marks(device, block)
        marks += of_block
        decided += _told(of_block, horizon, funnel, _decode(block.body).revisions)
    device.marks = marks + device.marks
    device.stored = tuple(spans(marks)) + device.stored
    device.decided = tuple(decided) + device.decided
    device.packed -= len(marks)
    if not device.past:
        device.kinds = ()


def forget(device: Device, before: int) -> None:
    """Drop the blocks that end before `before`."""
    count = bisect_left(device.past, before, key=lambda block: block.end)
    if not count:
        return
    device.packed -= sum(block.count for block in device.past[:count])
    device.past = device.past[count:]
    if not device.past:
        device.kinds = ()
    elif max(len(device.kinds), len(device.identities)) > MOST_KINDS:
        _number_anew(device)
    renumber(device)


def _number_anew(device: Device) -> None:
    """Drop the kinds that no mark is of any more."""
    blocks = [(block, _decode(block.body)) for block in device.past]
    used = sorted({kind for _, body in blocks for kind in body.kinds})
    if len(used) == len(device.kinds):
        return
    number = {old: new for new, old in enumerate(used)}
    device.kinds = tuple(device.kinds[kind] for kind in used)
    for block, body in blocks:
        body.kinds = [number[kind] for kind in body.kinds]
        block.body = _encode(body)


def _cut(marks: list[Mark], watermark: int) -> int:
    """How many marks can be packed: up to the last pause after which nothing goes on."""
    after = watermark
    for count in range(len(marks), 0, -1):
        time = marks[count - 1].time
        if after - time > GAP_MS and watermark - time > GAP_MS:
            return count
        after = time
    return 0


def _groups(marks: list[Mark]) -> list[list[Mark]]:
    """Marks between pauses."""
    groups = [[marks[0]]]
    for mark in marks[1:]:
        if mark.time - groups[-1][-1].time > GAP_MS:
            groups.append([mark])
        else:
            groups[-1].append(mark)
    return groups


def _block(device: Device, marks: list[Mark], told: list[Decided]) -> Block:
    start, end = marks[0].time, marks[-1].time
    numbers = {kind: number for number, kind in enumerate(device.kinds)}
    kinds = [numbers.setdefault(_kind(mark), len(numbers)) for mark in marks]
    device.kinds = tuple(numbers)
    of_block = (decided for decided in told if start <= decided.time <= end)
    revisions = {n: decided.revision for n, decided in enumerate(of_block) if decided.revision}
    times = [mark.time for mark in marks]
    steps = [time - before for time, before in zip(times[1:], times, strict=False)]
    ids = _packed_ids([mark.message_id for mark in marks])
    who = next((mark.who for mark in reversed(marks) if mark.who != NOBODY), NOBODY)
    body = _encode(_Body(steps, kinds, ids, revisions))
    return Block(end, end - start, len(marks), who, body)


def _kind(mark: Mark) -> tuple[str, int]:
    return (
        mark.step,
        mark.view
        | mark.active << 1
        | _FACTS.index(mark.fact) << 2
        | _CLASSES.index(mark.device_class) << 4
        | mark.who + 1 << WHO_BIT,
    )


def _marks(device: Device, block: Block) -> list[Mark]:
    body = _decode(block.body)
    times = accumulate(body.times, initial=block.end - block.length)
    marks = []
    for time, message_id, number in zip(times, _ids(body.ids), body.kinds, strict=True):
        step, flags = device.kinds[number]
        marks.append(
            Mark(
                time,
                message_id,
                step,
                bool(flags & 1),
                (flags >> WHO_BIT) - 1,
                _CLASSES[flags >> 4 & 15],
                bool(flags & 2),
                _FACTS[flags >> 2 & 3],
            )
        )
    return marks


def _told(
    marks: list[Mark], horizon: int, funnel: Funnel, revisions: dict[int, int]
) -> list[Decided]:
    found = attempts(marks, horizon, funnel, marks[-1].time + horizon + 1)
    return [
        Decided(
            a.time,
            a.message_id,
            a.page,
            a.device_class,
            a.next,
            a.forward,
            revisions.get(number, 0),
        )
        for number, a in enumerate(found)
    ]


def _packed_ids(ids: list[str]) -> bytes | list[bytes]:
    joined = "".join(ids)
    if (
        len(joined) == _UUID_LENGTH * len(ids)
        and max(map(len, ids)) == _UUID_LENGTH
        and _UUIDS.fullmatch(joined)
    ):
        return bytes.fromhex(joined.replace("-", ""))
    return [_packed(message_id) for message_id in ids]


def _packed(message_id: str) -> bytes:
    if len(message_id) == _UUID_LENGTH and _UUIDS.fullmatch(message_id):
        return _IS_UUID + bytes.fromhex(message_id.replace("-", ""))
    return _IS_TEXT + message_id.encode()


def _ids(packed: bytes | list[bytes]) -> list[str]:
    if isinstance(packed, bytes):
        text = packed.hex()
        return [_uuid(text[at : at + 32]) for at in range(0, len(text), 32)]
    return [_uuid(each[1:].hex()) if each[:1] == _IS_UUID else each[1:].decode() for each in packed]


def _uuid(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
