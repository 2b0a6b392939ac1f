"""What worker and reader say to each other: MessagePack, each message behind its length."""

import struct
from collections.abc import Mapping
from typing import IO, Final, Literal, TypeVar

import msgspec

M = TypeVar("M")
_LENGTH: Final = struct.Struct("<Q")
_encode: Final = msgspec.msgpack.Encoder().encode


class Begin(msgspec.Struct, frozen=True):
    """What the reader is to do: the first message to it.

    `statements` make the tables in `folder`, its own; their data are in `warehouse`. `tables` may be
    asked. `memory_bytes` is what all queries at once may take. `guarded` is False in tests alone.
    """

    warehouse: str
    folder: str
    memory_bytes: int
    at_once: int
    statements: list[str]
    tables: list[str]
    guarded: bool = True


class Ask(msgspec.Struct, frozen=True):
    """One query; `params` in the engine's Escaped form."""

    id: int
    sql: str
    fmt: str
    params: Mapping[str, str]


class Answer(msgspec.Struct, frozen=True):
    """To the query `id`, or to Begin, whose id is 0: `text` is then what the kernel cannot do."""

    id: int
    kind: Literal["answered", "refused", "unavailable"]
    body: bytes = b""
    text: str = ""


def send(stream: IO[bytes], message: Begin | Ask | Answer) -> None:
    """Write one message. Raises OSError where nobody reads."""
    body = _encode(message)
    stream.write(_LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes], kind: type[M]) -> M | None:
    """The next message; None where the other side has gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return msgspec.msgpack.decode(body, type=kind) if len(body) == length else None
