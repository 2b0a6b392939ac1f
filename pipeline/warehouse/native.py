"""ClickHouse's Native format, read by clickhouse-driver's own column readers.

So a value read from the embedded engine has the Python type that the same value has when it
comes from a server: DateTime64 is an aware datetime, Decimal a Decimal, and so on.
"""

from io import BytesIO
from typing import Any, Final

from clickhouse_driver.bufferedreader import BufferedSocketReader
from clickhouse_driver.connection import ServerInfo
from clickhouse_driver.context import Context
from clickhouse_driver.streams.native import BlockInputStream

from pipeline.warehouse.contract import Rows

_BUFFER_BYTES: Final = 1 << 16


class _Bytes(BytesIO):
    """Bytes with the one method of a socket that the driver's reader calls."""

    recv_into = BytesIO.readinto


def read_native(data: bytes) -> Rows:
    """The rows of an answer in Native format, as the engine writes it outside its TCP protocol."""
    source = _Bytes(data)
    reader = BufferedSocketReader(source, _BUFFER_BYTES)
    blocks = BlockInputStream(reader, _context())
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    rows: list[tuple[Any, ...]] = []
    while source.tell() < len(data) or reader.position < reader.current_buffer_size:
        block = blocks.read()
        if block.columns_with_types:
            names, types = zip(*block.columns_with_types, strict=True)
            rows.extend(block.get_rows())
    return Rows(names, types, rows)


def _context() -> Any:
    context = Context()
    context.server_info = ServerInfo(
        "", 0, 0, 0, revision=0, timezone="UTC", display_name="", used_revision=0
    )
    context.settings = {}
    context.client_settings = {
        "strings_as_bytes": False,
        "strings_encoding": "utf-8",
        "use_numpy": False,
        "opentelemetry_traceparent": None,
        "opentelemetry_tracestate": "",
        "quota_key": "",
        "input_format_null_as_default": False,
        "namedtuple_as_json": True,
        "server_side_params": True,
    }
    return context
