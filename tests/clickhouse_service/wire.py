"""ClickHouse's native protocol, the server's side, as far as clickhouse-driver speaks it.

Layouts: src/Server/TCPHandler.cpp, src/Core/ProtocolDefines.h. clickhouse-driver's own buffers and
block streams do the reading and writing of values.
"""

import re
import socket
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final, NamedTuple

from clickhouse_driver.block import BlockInfo, ColumnOrientedBlock
from clickhouse_driver.bufferedreader import BufferedSocketReader
from clickhouse_driver.bufferedwriter import BufferedSocketWriter
from clickhouse_driver.connection import ServerInfo
from clickhouse_driver.context import Context
from clickhouse_driver.reader import read_binary_str, read_binary_uint8, read_binary_uint64
from clickhouse_driver.streams.native import BlockInputStream, BlockOutputStream
from clickhouse_driver.varint import read_varint, write_varint
from clickhouse_driver.writer import write_binary_int32, write_binary_str, write_binary_uint8

REVISION: Final = 54_459
"""The first with query parameters: later ones only add to the handshake."""

NATIVE: Final = 0
"""Blocks of the Native format: neither block info nor serialization flags."""

_BUFFER: Final = 1 << 16
_HELLO, _QUERY, _DATA, _CANCEL, _PING = range(5)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {
    "b": "\b",
    "f": "\f",
    "r": "\r",
    "n": "\n",
    "t": "\t",
    "0": "\0",
    "a": "\a",
    "v": "\v",
}


class Query(NamedTuple):
    """A query with its settings and parameters (each in the engine's Escaped text form)."""

    text: str
    settings: dict[str, str]
    params: dict[str, str]


class Ping(NamedTuple):
    """The client asks whether anybody is there."""


class Peer:
    """One client's connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._in = BufferedSocketReader(connection, _BUFFER)
        self._out = BufferedSocketWriter(connection, _BUFFER)
        self._blocks_in = BlockInputStream(self._in, context(REVISION))
        self._blocks_out = BlockOutputStream(self._out, context(REVISION))

    def greet(self) -> None:
        """Read the client's Hello, answer it, and read what follows it."""
        _expect(read_varint(self._in), _HELLO)
        read_binary_str(self._in)
        for _ in ("major", "minor", "revision"):
            read_varint(self._in)
        for _ in ("database", "user", "password"):
            read_binary_str(self._in)
        write_varint(0, self._out)
        write_binary_str("footfall test service", self._out)
        for number in (26, 9, REVISION):
            write_varint(number, self._out)
        write_binary_str("UTC", self._out)
        write_binary_str("test", self._out)
        write_varint(0, self._out)
        self._out.flush()
        read_binary_str(self._in)  # the addendum: a quota key

    def receive(self) -> Query | Ping:
        """The next request. Raises EOFError when the client has gone."""
        kind = read_varint(self._in)
        if kind == _PING:
            return Ping()
        _expect(kind, _QUERY)
        read_binary_str(self._in)  # query id
        self._skip_client_info()
        settings = dict(self._settings())
        read_binary_str(self._in)  # secret between servers
        read_varint(self._in)  # stage
        _expect(read_varint(self._in), 0)  # compression
        text = read_binary_str(self._in)
        params = {name: _unquoted(value) for name, value in self._settings()}
        if any(block.num_columns for block in self.blocks()):
            raise ValueError("external tables are not served")
        return Query(text, settings, params)

    def blocks(self) -> Iterator[ColumnOrientedBlock]:
        """Data blocks up to the empty one that ends them."""
        while True:
            _expect(read_varint(self._in), _DATA)
            read_binary_str(self._in)  # table name
            block = self._blocks_in.read()
            if not block.num_columns:
                return
            yield block

    def send_block(self, block: ColumnOrientedBlock) -> None:
        """A data block."""
        write_varint(1, self._out)
        write_binary_str("", self._out)
        self._blocks_out.write(_writable(block))

    def send_profile(self) -> None:
        """What the server counted, here nothing: due after each block of an insert."""
        write_varint(14, self._out)
        write_binary_str("", self._out)
        BlockInfo().write(self._out)
        write_varint(0, self._out)
        write_varint(0, self._out)
        self._out.flush()

    def send_header(self, columns: list[tuple[str, str]]) -> None:
        """A data block without rows, for (name, type) of its columns.

        By hand: the driver's writer would add the columns' prefixes, which no reader expects here.
        """
        write_varint(1, self._out)
        write_binary_str("", self._out)
        BlockInfo().write(self._out)
        write_varint(len(columns), self._out)
        write_varint(0, self._out)
        for name, kind in columns:
            write_binary_str(name, self._out)
            write_binary_str(kind, self._out)
            write_binary_uint8(0, self._out)
        self._out.flush()

    def send_exception(self, code: int, text: str) -> None:
        """The query failed."""
        write_varint(2, self._out)
        write_binary_int32(code, self._out)
        for part in ("DB::Exception", text, ""):
            write_binary_str(part, self._out)
        write_binary_uint8(0, self._out)
        self._out.flush()

    def send_pong(self) -> None:
        """Somebody is there."""
        write_varint(4, self._out)
        self._out.flush()

    def send_end(self) -> None:
        """The query is done; an insert is durable."""
        write_varint(5, self._out)
        self._out.flush()

    def _skip_client_info(self) -> None:
        read_binary_uint8(self._in)
        for _ in ("user", "query id", "address"):
            read_binary_str(self._in)
        read_binary_uint64(self._in)  # start time
        read_binary_uint8(self._in)
        for _ in ("os user", "host", "client"):
            read_binary_str(self._in)
        for _ in ("major", "minor", "revision"):
            read_varint(self._in)
        read_binary_str(self._in)  # quota key
        for _ in ("distributed depth", "patch"):
            read_varint(self._in)
        _expect(read_binary_uint8(self._in), 0)  # tracing
        for _ in ("collaborate", "replicas", "replica"):
            read_varint(self._in)

    def _settings(self) -> Iterator[tuple[str, str]]:
        while name := read_binary_str(self._in):
            read_binary_uint8(self._in)  # flags
            yield name, read_binary_str(self._in)


class _Bytes(BytesIO):
    """Bytes with the methods of a socket that the driver's buffers call."""

    recv_into = BytesIO.readinto
    sendall = BytesIO.write


def from_native(data: bytes) -> Iterator[ColumnOrientedBlock]:
    """The blocks of an answer in Native format."""
    source = _Bytes(data)
    reader = BufferedSocketReader(source, _BUFFER)
    stream = BlockInputStream(reader, context(NATIVE))
    while source.tell() < len(data) or reader.position < reader.current_buffer_size:
        yield stream.read()


def to_native(block: ColumnOrientedBlock) -> bytes:
    """A block in Native format."""
    sink = _Bytes()
    writer = BufferedSocketWriter(sink, _BUFFER)
    BlockOutputStream(writer, context(NATIVE)).write(_writable(block))
    return sink.getvalue()


def _writable(block: ColumnOrientedBlock) -> ColumnOrientedBlock:
    """A copy with lists for columns: the driver's writer changes them in place."""
    columns = [list(column) for column in block.get_columns()]
    return ColumnOrientedBlock(block.columns_with_types, columns)


def context(revision: int) -> Context:
    """What clickhouse-driver's readers and writers ask about the connection they are on."""
    made = Context()
    made.server_info = ServerInfo("", 0, 0, 0, revision, "UTC", "", used_revision=revision)
    made.settings = {}
    made.client_settings = {
        "strings_as_bytes": True,
        "strings_encoding": "utf-8",
        "use_numpy": False,
        "input_format_null_as_default": False,
        "namedtuple_as_json": True,
    }
    return made


def _unquoted(value: str) -> str:
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), value[1:-1])


def _expect(found: Any, wanted: Any) -> None:
    if found != wanted:
        raise ValueError(f"the client sent {found}, not {wanted}")
