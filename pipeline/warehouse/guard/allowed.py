"""What queries from outside may use. What is not listed is refused."""

from functools import cache
from importlib.resources import files
from typing import Final

TABLE_FUNCTIONS: Final = frozenset(
    (
        "numbers",
        "numbers_mt",
        "zeros",
        "generateseries",
        "generate_series",
        "values",
        "null",
        "sqlstandardvalues",
        "primes",
    )
)

SYSTEM_TABLES: Final = frozenset(
    (
        "system.tables",
        "system.columns",
        "system.databases",
        "system.functions",
        "system.one",
        "system.numbers",
    )
)
"""What Grafana's plugin and people ask about the tables themselves."""

FORMATS: Final = frozenset(
    (
        "Null",
        "Native",
        "Values",
        "Vertical",
        "Markdown",
        "MD",
        "XML",
        "TSKV",
        "SQLInsert",
        "Arrow",
        "ArrowStream",
        "Parquet",
        "RowBinary",
        "RowBinaryWithNames",
        "RowBinaryWithNamesAndTypes",
        "CSV",
        "CSVWithNames",
        "CSVWithNamesAndTypes",
        "TSV",
        "TSVRaw",
        "TSVWithNames",
        "TSVWithNamesAndTypes",
        "TabSeparated",
        "TabSeparatedRaw",
        "TabSeparatedWithNames",
        "TabSeparatedWithNamesAndTypes",
        "JSON",
        "JSONStrings",
        "JSONCompact",
        "JSONCompactStrings",
        "JSONEachRow",
        "JSONStringsEachRow",
        "JSONCompactEachRow",
        "JSONCompactEachRowWithNames",
        "JSONCompactEachRowWithNamesAndTypes",
        "JSONColumns",
        "JSONColumnsWithMetadata",
        "JSONCompactColumns",
        "JSONObjectEachRow",
        "JSONLines",
        "NDJSON",
        "Pretty",
        "PrettyCompact",
        "PrettyCompactMonoBlock",
        "PrettySpace",
        "PrettyNoEscapes",
        "PrettyCompactNoEscapes",
        "PrettySpaceNoEscapes",
    )
)
"""Left out are those that read schema or template files, and other servers' wire protocols."""

COMBINATORS: Final = (
    "OrDefault",
    "OrNull",
    "SimpleState",
    "Distinct",
    "Resample",
    "ForEach",
    "ArgMax",
    "ArgMin",
    "Merge",
    "State",
    "Array",
    "Map",
    "If",
)

TYPES: Final = frozenset(
    (
        "String",
        "FixedString",
        "Bool",
        "UUID",
        "IPv4",
        "IPv6",
        "Date",
        "Date32",
        "DateTime",
        "DateTime32",
        "DateTime64",
        "Decimal",
        "Decimal32",
        "Decimal64",
        "Decimal128",
        "Float32",
        "Float64",
        "Int8",
        "Int16",
        "Int32",
        "Int64",
        "Int128",
        "Int256",
        "UInt8",
        "UInt16",
        "UInt32",
        "UInt64",
        "UInt128",
        "UInt256",
        "Array",
        "Nullable",
        "LowCardinality",
        "Tuple",
        "Map",
    )
)
"""Of parameters. An Identifier would be a piece of statement, not a value."""

EXPLAIN_OPTIONS: Final = (
    "header",
    "description",
    "indexes",
    "projections",
    "actions",
    "json",
    "sorting",
    "distributed",
    "compact",
    "graph",
)

NODES: Final = frozenset(
    (
        "SelectWithUnionQuery",
        "SelectIntersectExceptQuery",
        "SelectQuery",
        "ExpressionList",
        "Subquery",
        "WithElement",
        "TablesInSelectQuery",
        "TablesInSelectQueryElement",
        "TableExpression",
        "TableJoin",
        "ArrayJoin",
        "SampleRatio",
        "OrderByElement",
        "InterpolateElement",
        "WindowDefinition",
        "WindowListElement",
        "Asterisk",
        "QualifiedAsterisk",
        "ColumnsRegexpMatcher",
        "ColumnsListMatcher",
        "QualifiedColumnsRegexpMatcher",
        "QualifiedColumnsListMatcher",
        "ColumnsTransformerList",
        "ColumnsExceptTransformer",
        "ColumnsReplaceTransformer",
        "ColumnsReplaceTransformer::Replacement",
        "ColumnsApplyTransformer",
        "StorageOrderByElement",
    )
)
"""Kinds of nodes that are harmless whatever stands in them, as what stands in them is looked at."""


@cache
def functions() -> frozenset[str]:
    """Names in small letters."""
    text = files(__package__).joinpath("functions.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    words = (word for line in lines for word in line.split() if not word.endswith(":"))
    return frozenset(word.lower() for word in words)


def is_function(name: str, engine_functions: frozenset[str]) -> bool:
    """Whether `name` may be called, combinators (sumIf, uniqMergeIf) and functions of ours included.

    `engine_functions` are the engine's functions: only those of ours that it has are called ours.
    """
    small = name.lower()
    if small in functions() or (small.startswith("footfall_") and small in engine_functions):
        return True
    if small in engine_functions:
        return False
    return any(
        name.endswith(end) and is_function(name.removesuffix(end), engine_functions)
        for end in COMBINATORS
    )
