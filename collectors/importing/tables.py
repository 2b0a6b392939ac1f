"""Files → rows, read by Arrow: only the columns that the mapping names, a chunk at a time.

Cells of CSV are text, so that a customer `007` stays one. Purchases are read whole (their mapped
columns only), because the lines of one order may stand anywhere in the file.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from collectors.errors import FileError
from collectors.importing import accesslog, formats
from collectors.importing.mapping import LINE, PROPERTY, Mapping
from collectors.importing.rows import Row, Table, Unit, Unreadable

CHUNK_ROWS: Final = 8_192


def read(path: Path, mapping: Mapping) -> Table:
    """Open a `.csv`, `.jsonl` (either with `.gz`) or `.parquet` file, or an access log of any name.

    Raises FileError.
    """
    unreadable: list[Unreadable] = []
    if mapping.kind == "access_log":
        return Table(accesslog.units(path, mapping, unreadable), unreadable)
    units = _orders if mapping.kind == "purchases" else _rows
    return Table(_guarded(path, units(_batches(path, mapping, unreadable), mapping)), unreadable)


def _guarded(path: Path, units: Iterator[Unit]) -> Iterator[Unit]:
    try:
        yield from units
    except (pa.ArrowException, OSError) as error:
        raise FileError(f"{path} cannot be read: {error}") from error


def _batches(
    path: Path, mapping: Mapping, unreadable: list[Unreadable]
) -> Iterator[pa.RecordBatch]:
    name = path.name.lower().removesuffix(".gz")
    for batch in _open(path, name, mapping.used, unreadable):
        for column in mapping.used:
            _check_once(path, column, batch.schema.names.count(column))
        yield _renamed(batch, mapping)


def _check_once(path: Path, column: str, times: int) -> None:
    if not times:
        raise FileError(f"{path} has no column {column!r}; the mapping names it.")
    if times > 1:
        raise FileError(f"{path} has {times} columns {column!r}; rename those that are not meant.")


def _open(
    path: Path, name: str, columns: list[str], unreadable: list[Unreadable]
) -> Iterator[pa.RecordBatch]:
    for form in formats.ALL:
        if name.endswith(form.ends):
            return _OPEN[form](path, columns, unreadable)
    ends = ", ".join(end for form in formats.ALL for end in form.ends)
    raise FileError(f"{path}: the name must end in {ends} (text also with .gz).")


def _open_parquet(
    path: Path, columns: list[str], unreadable: list[Unreadable]
) -> Iterator[pa.RecordBatch]:
    file = pyarrow.parquet.ParquetFile(path)
    present = [column for column in columns if column in file.schema_arrow.names]
    return iter(file.iter_batches(CHUNK_ROWS, columns=present))


def _open_json(
    path: Path, columns: list[str], unreadable: list[Unreadable]
) -> Iterator[pa.RecordBatch]:
    return iter(pyarrow.json.open_json(pa.input_stream(path, compression="detect")))


def _open_csv(
    path: Path, columns: list[str], unreadable: list[Unreadable]
) -> Iterator[pa.RecordBatch]:
    def keep(row: Any) -> str:
        text = f"{row.actual_columns} columns, not {row.expected_columns}: {row.text}"
        unreadable.append(Unreadable(text, -len(unreadable) - 1))
        return "skip"

    return iter(
        pyarrow.csv.open_csv(
            pa.input_stream(path, compression="detect"),
            parse_options=pyarrow.csv.ParseOptions(
                invalid_row_handler=keep, newlines_in_values=True
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={column: pa.string() for column in columns},
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    )


_OPEN: Final = {
    formats.CSV: _open_csv,
    formats.JSON_LINES: _open_json,
    formats.PARQUET: _open_parquet,
}


def _renamed(batch: pa.RecordBatch, mapping: Mapping) -> pa.RecordBatch:
    """Our names instead of theirs; timestamps in µs, the finest that Python's own can hold."""
    names = mapping.columns | {PROPERTY + column: column for column in mapping.properties}
    arrays = [_micros(batch.column(column)) for column in names.values()]
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def _micros(column: Any) -> Any:
    if not pa.types.is_timestamp(column.type):
        return column
    return pc.cast(column, pa.timestamp("us", column.type.tz), safe=False)


def _rows(batches: Iterator[pa.RecordBatch], mapping: Mapping) -> Iterator[Unit]:
    numbers = count(1)
    for batch in batches:
        for row in batch.to_pylist():
            yield Unit(mapping.constants | row, 1, (next(numbers),))


def _orders(batches: Iterator[pa.RecordBatch], mapping: Mapping) -> Iterator[Unit]:
    """Rows grouped by order and status, in the order of their first lines."""
    matches = list(batches)
    if not matches:
        return
    table = pa.Table.from_batches(matches)
    names = table.schema.names
    keys = [name for name in ("order_id", "status") if name in names]
    item = [name for name in LINE if name in names]
    once = [name for name in names if name not in item and name not in keys]
    table = table.append_column("lines", pa.repeat(1, table.num_rows))
    table = table.append_column("place", pa.array(range(1, table.num_rows + 1), pa.int64()))
    groups = table.group_by(keys, use_threads=False).aggregate(
        [
            ("lines", "sum"),
            ("place", "min"),
            ("place", "list"),
            *((name, "first") for name in once),
            *((name, "list") for name in item),
        ]
    )
    groups = groups.sort_by("place_min").drop_columns("place_min")  # groups come in any order
    ours = groups.rename_columns([_plain(name, keys) for name in groups.schema.names])
    constants = _spread(mapping.constants)
    for batch in ours.to_batches(CHUNK_ROWS):
        for row in batch.to_pylist():
            lines, rows = row.pop("lines"), row.pop("place")
            yield Unit({**_repeated(constants, lines), **row}, lines, rows)


def _plain(name: str, keys: Sequence[str]) -> str:
    """`price_list` → `price`: aggregates are called after their function."""
    return name if name in keys else name.rpartition("_")[0]


def _spread(constants: dict[str, str | int | float]) -> dict[str, Any]:
    return {name: [value] if name in LINE else value for name, value in constants.items()}


def _repeated(constants: dict[str, Any], lines: int) -> Row:
    return {n: v * lines if isinstance(v, list) else v for n, v in constants.items()}
