"""Python columns to Arrow, by ClickHouse type name. pyarrow's home in the warehouse."""

import re
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from pipeline.errors import ValueRefused, WarehouseRefused

_SCALARS: Final = {
    "String": pa.binary(),  # not text: original bytes of rejects need not be UTF-8
    "Bool": pa.bool_(),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Int8": pa.int8(),
    "Int16": pa.int16(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "Float32": pa.float32(),
    "Float64": pa.float64(),
}
_WRAPPER: Final = re.compile(r"(?:LowCardinality|Nullable)\((.*)\)")
_ARRAY: Final = re.compile(r"Array\((.*)\)")
_DECIMAL: Final = re.compile(r"Decimal\((\d+), (\d+)\)")
_MILLISECONDS: Final = re.compile(r"DateTime64\(3, 'UTC'\)")


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type in which values of a ClickHouse type are handed over. Raises WarehouseRefused."""
    if name in _SCALARS:
        return _SCALARS[name]
    if wrapper := _WRAPPER.fullmatch(name):
        return arrow_type(wrapper[1])
    if array := _ARRAY.fullmatch(name):
        return pa.list_(arrow_type(array[1]))
    if decimal := _DECIMAL.fullmatch(name):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    if _MILLISECONDS.fullmatch(name):
        return pa.timestamp("ms", "UTC")
    raise WarehouseRefused(f"no way to insert into a column of type {name}")


def stream_of(schema: pa.Schema, data: Sequence[Sequence[Any]]) -> memoryview:
    """Columns as one Arrow IPC stream of one batch. Raises ValueRefused for a wrong value."""
    arrays = [_array(field, column) for field, column in zip(schema, data, strict=True)]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return memoryview(sink.getvalue())


def _array(field: pa.Field, column: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(column, field.type)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        kinds = ", ".join(sorted({type(value).__name__ for value in column}))
        raise ValueRefused(
            f"a value does not fit the column `{field.name}`, which takes {field.type}; they are {kinds}"
        ) from error
