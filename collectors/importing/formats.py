"""The kinds of files that are tables: how their names end, and what their pages say.

`collectors.importing.tables` opens them, with Arrow; who only speaks of them does not load it.
"""

from typing import Final, NamedTuple

from collectors.importing import formats_doc
from collectors.source_doc import SourceDoc


class Format(NamedTuple):
    """A kind of file; text may also be gzipped, with `.gz` behind."""

    name: str
    ends: tuple[str, ...]
    about: SourceDoc


CSV: Final = Format("csv", (".csv",), formats_doc.CSV)
JSON_LINES: Final = Format("jsonl", (".jsonl", ".ndjson"), formats_doc.JSON_LINES)
PARQUET: Final = Format("parquet", (".parquet", ".pq"), formats_doc.PARQUET)

ALL: Final = (CSV, JSON_LINES, PARQUET)
