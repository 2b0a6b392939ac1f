"""Which statements somebody else's SQL may hold: an allow-list, held against the engine's own words.

The engine rewrites a statement into one canonical form (`CANONICAL`), whose text is looked at first;
then it tells the tree of that form (`tree_of`), every node of which must be known. What runs is the
canonical form. So no second parser can read a statement otherwise than the engine does.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from pipeline.errors import WarehouseRefused
from pipeline.warehouse.binding import text_of
from pipeline.warehouse.guard import allowed
from pipeline.warehouse.guard.nodes import check_nodes
from pipeline.warehouse.guard.syntax import Token, tokens, tree

Texts = Mapping[str, str]
"""Values of parameters in the engine's Escaped form (`binding.text_of`)."""
Ask = Callable[[str, Texts], bytes]
"""A statement's answer in TSVRaw."""

CANONICAL: Final = "SELECT formatQuerySingleLine({statement:String})"
"""What tells the canonical form. It fails for several statements in one text."""

_NAME: Final = r"(?:(?:\w+|`[^`]+`)\.)?(?:\w+|`[^`]+`)"
_LIKE: Final = r"(?: (?:NOT )?I?LIKE '(?:[^'\\]|\\.)*')?(?: LIMIT \d+)?"
_ABOUT: Final = re.compile(
    rf"(?:SHOW (?:FULL )?(?:TABLES|COLUMNS)(?: FROM (?P<a>{_NAME}))?(?: FROM (?P<b>{_NAME}))?{_LIKE}"
    rf"|SHOW DATABASES{_LIKE}|SHOW CREATE (?:TABLE|VIEW) (?P<c>{_NAME})"
    rf"|EXISTS (?:TABLE|VIEW) (?P<d>{_NAME}))(?: FORMAT (?P<format>\w+))?"
)
"""Statements about tables, whole: their trees tell less than their texts."""
_CACHED_STATEMENTS: Final = 512
"""Statements remembered: the panels' are ever the same ones."""
_READS: Final = re.compile(r"\(*(?:SELECT|WITH|DESCRIBE TABLE|EXPLAIN)\b")


class Catalogue(NamedTuple):
    """What the engine has: `tables` and views of ours, with and without their database's name;
    `functions` in small letters."""

    tables: frozenset[str]
    functions: frozenset[str]


def tree_of(canonical: str) -> str:
    """What tells the tree; it parses and runs nothing."""
    return f"EXPLAIN AST {canonical}"


class Guard:
    """Checks statements before they run. One instance serves many threads."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._canonical_by_sql: dict[str, str] = {}

    def statement(self, sql: str, fmt: str, params: Texts, ask: Ask) -> str:
        """The canonical form of `sql`, to be run. `ask` asks the engine that will run it.

        Raises WarehouseRefused, saying what can be used instead. What passed once is not looked at
        again: no value of a parameter changes what a statement does, since none is a type or a name.
        """
        _check_format(fmt)
        _check_values(params)
        if (cached := self._canonical_by_sql.get(sql)) is not None:
            return cached
        canonical = _text(ask(CANONICAL, {"statement": text_of(sql)})).removesuffix("\n")
        self._check_text(canonical)
        self._check_tree(canonical, _text(ask(tree_of(canonical), params)))
        if len(self._canonical_by_sql) >= _CACHED_STATEMENTS:
            self._canonical_by_sql.clear()
        self._canonical_by_sql[sql] = canonical
        return canonical

    def _check_text(self, canonical: str) -> None:
        """Before the engine is asked for the tree: nothing that acts while it is parsed."""
        if not (_READS.match(canonical) or _ABOUT.fullmatch(canonical)):
            raise WarehouseRefused(
                "only SELECT, EXPLAIN, DESCRIBE, EXISTS and SHOW of tables and columns can be run here"
            )
        words = tokens(canonical)
        if any(token.kind == "word" and token.value.upper() == "OUTFILE" for token in words):
            raise WarehouseRefused("answers go to whoever asks; INTO OUTFILE cannot be used here")
        for token in words:
            if token.kind == "type":
                _check_type(token)

    def _check_tree(self, canonical: str, lines: str) -> None:
        """After it: nothing in the statement that is not known and allowed."""
        if about := _ABOUT.fullmatch(canonical):
            _check_format(about["format"] or "Null")
            self._check_names([about[name] for name in "abcd"])
            return
        check_nodes(
            canonical,
            tokens(canonical),
            tree(lines),
            self._catalogue.tables,
            self._catalogue.functions,
        )

    def _check_names(self, names: Sequence[str | None]) -> None:
        tables = self._catalogue.tables | allowed.SYSTEM_TABLES
        databases = {name.partition(".")[0] for name in tables if "." in name}
        for name in names:
            if name is not None and name.replace("`", "") not in tables | databases:
                raise WarehouseRefused(
                    f"the table {name[:60]} cannot be told of here; Footfall's own can (SHOW TABLES)"
                )


def _check_format(fmt: str) -> None:
    if fmt not in allowed.FORMATS:
        raise WarehouseRefused(
            f"the format {fmt[:40]!r} cannot be used here; JSON, CSV, TSV, Native, Parquet and the like can"
        )


def _check_values(params: Texts) -> None:
    """Types can be given as text: CAST(…, {type:String})."""
    if any("aggregatefunction" in value.lower() for value in params.values()):
        raise WarehouseRefused("a parameter cannot be AggregateFunction, not even as text")


def _text(answer: bytes) -> str:
    return answer.decode("utf-8", "replace")


def _check_type(token: Token) -> None:
    words = re.findall(r"[A-Za-z]\w*", re.sub(r"'[^']*'", "", token.value))
    if unknown := [word for word in words if word not in allowed.TYPES]:
        raise WarehouseRefused(
            f"a parameter cannot be of type {unknown[0]}; values can: strings, numbers, times, arrays"
        )
