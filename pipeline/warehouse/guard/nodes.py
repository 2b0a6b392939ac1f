"""Every node of a statement's tree, and what the tree does not tell, against the allow-lists."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from pipeline.errors import WarehouseRefused
from pipeline.warehouse.guard import allowed
from pipeline.warehouse.guard.syntax import Node, Token

_IN: Final = re.compile(r"(?:global)?(?:not)?(?:null)?in(?:ignoreset)?", re.IGNORECASE)
_OPTIONS: Final = rf"(?:{'|'.join(allowed.EXPLAIN_OPTIONS)}) = [01]"
_EXPLAIN: Final = re.compile(
    rf"EXPLAIN(?: (?:AST|SYNTAX|QUERY TREE|PIPELINE|ESTIMATE))?(?: {_OPTIONS}(?:, {_OPTIONS})*)?"
    r" \(*(?:SELECT|WITH)\b"
)
_WHOLE: Final = ("SelectWithUnionQuery", "DescribeQuery", "Explain")
"""What a statement may be; their own literals and identifiers are INTO OUTFILE and FORMAT."""


def check_nodes(
    canonical: str,
    words: Sequence[Token],
    nodes: Sequence[Node],
    tables: frozenset[str],
    known: frozenset[str],
) -> None:
    """Raise WarehouseRefused unless all is allowed. `tables` are ours, `known` the engine's functions."""
    if nodes[0].kind not in _WHOLE:
        raise WarehouseRefused("only SELECT, EXPLAIN, DESCRIBE, EXISTS and SHOW can be run here")
    _Check(canonical, words, nodes, tables, known).run()


class _Check:
    def __init__(
        self,
        canonical: str,
        words: Sequence[Token],
        nodes: Sequence[Node],
        tables: frozenset[str],
        known: frozenset[str],
    ) -> None:
        self._canonical, self._words, self._nodes = canonical, words, nodes
        self._known = known
        self._places = tables | allowed.SYSTEM_TABLES | _common(words)
        self._aliases = {node.alias for node in nodes if node.alias}
        self._kinds: dict[str, Callable[[int, Node], None]] = {
            "Function": self._function,
            "TableIdentifier": self._table,
            "Identifier": self._identifier,
            "Literal": self._literal,
            "Set": self._setting,
            "Explain": self._explain,
            "DescribeQuery": self._root,
        }

    def run(self) -> None:
        for place, node in enumerate(self._nodes):
            if check := self._kinds.get(node.kind):
                check(place, node)
            elif node.kind not in allowed.NODES:
                raise WarehouseRefused(f"{node.kind} cannot be used here; plain SELECTs can")
        self._applied()

    def _above(self, node: Node, steps: int = 1) -> str:
        for _ in range(steps):
            node = self._nodes[node.parent] if node.parent >= 0 else Node("", "", "", -1)
        return node.kind

    def _function(self, place: int, node: Node) -> None:
        if self._above(node) == "TableExpression":
            if node.rest.lower() not in allowed.TABLE_FUNCTIONS:
                raise WarehouseRefused(
                    f"the table function {node.rest[:60]!r} cannot be used here; numbers, generateSeries "
                    "and values can"
                )
            return
        if not (re.fullmatch(r"\w+", node.rest) and allowed.is_function(node.rest, self._known)):
            raise WarehouseRefused(
                f"the function {node.rest[:60]!r} cannot be used here; functions that only compute can"
            )
        if _IN.fullmatch(node.rest):
            self._membership(place)

    def _membership(self, place: int) -> None:
        """The right side of IN may be a table's name, which the tree tells as any identifier."""
        (arguments,) = [at for at, node in enumerate(self._nodes) if node.parent == place][:1] or [
            -1
        ]
        sides = [node for node in self._nodes if node.parent == arguments]
        for side in sides[1:]:
            if side.kind == "Identifier" and side.rest not in self._places | self._aliases:
                raise self._no_table(side.rest)

    def _table(self, place: int, node: Node) -> None:
        if node.rest not in self._places:
            raise self._no_table(node.rest)

    @staticmethod
    def _no_table(name: str) -> WarehouseRefused:
        return WarehouseRefused(
            f"the table {name[:60]!r} cannot be read here; Footfall's own can (SHOW TABLES lists them)"
        )

    def _identifier(self, place: int, node: Node) -> None:
        """A column's name, a format's, or a function's that another one is to call."""
        if self._above(node) in _WHOLE and node.rest not in allowed.FORMATS:
            raise WarehouseRefused(
                f"the format {node.rest[:40]!r} cannot be used here; JSON, CSV and TSV can"
            )
        if node.rest.lower() in self._known and not allowed.is_function(node.rest, self._known):
            raise WarehouseRefused(
                f"{node.rest[:60]!r} is the name of a function that cannot be used here; give the column "
                "another name, or its table's before it"
            )

    def _literal(self, place: int, node: Node) -> None:
        if self._above(node) in _WHOLE:
            raise WarehouseRefused("answers go to whoever asks; INTO OUTFILE cannot be used here")
        if "aggregatefunction" in node.rest.lower():
            raise WarehouseRefused(
                "states of aggregate functions cannot be made from text here; tables have them"
            )

    def _setting(self, place: int, node: Node) -> None:
        if self._above(node) != "Explain" or self._above(node, 2):
            raise WarehouseRefused("SETTINGS cannot be used here; the limits are the same for all")

    def _explain(self, place: int, node: Node) -> None:
        self._root(place, node)
        if not _EXPLAIN.match(self._canonical):
            raise WarehouseRefused(
                "EXPLAIN of a SELECT can be used here, and nothing else of EXPLAIN"
            )

    @staticmethod
    def _root(place: int, node: Node) -> None:
        if place:
            raise WarehouseRefused(f"{node.kind} cannot stand inside a query")

    def _applied(self) -> None:
        """What APPLY applies is in no tree: it must be the name of a function."""
        nodes = sum(node.kind == "ColumnsApplyTransformer" for node in self._nodes)
        pairs = list(pairwise([*self._words, Token("mark", "")]))
        applied = [second for first, second in pairs if first == Token("word", "APPLY")]
        plain = [
            token
            for token in applied
            if token.kind in ("word", "quoted") and allowed.is_function(token.value, self._known)
        ]
        arrows = any(token.value == "->" for token in self._words) if nodes else False
        if len(plain) < max(nodes, len(applied)) or (nodes and arrows):
            raise WarehouseRefused(
                "APPLY can be used with the name of a function that only computes"
            )


def _common(words: Sequence[Token]) -> frozenset[str]:
    """Names of common table expressions: the tree does not tell them. Plain ones, no paths."""
    found = {
        first.value
        for first, second, third in zip(words, words[1:], words[2:], strict=False)
        if first.kind in ("word", "quoted") and second.value == "AS" and third.value == "("
    }
    return frozenset(name for name in found if re.fullmatch(r"\w+", name))
