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
_ROOT_KINDS: Final = ("SelectWithUnionQuery", "DescribeQuery", "Explain")
"""What a statement may be; their own literals and identifiers are INTO OUTFILE and FORMAT."""


def check_nodes(
    canonical: str,
    words: Sequence[Token],
    nodes: Sequence[Node],
    tables: frozenset[str],
    functions: frozenset[str],
) -> None:
    """Raise WarehouseRefused unless all is allowed. `tables` are ours, `functions` the engine's functions."""
    if nodes[0].kind not in _ROOT_KINDS:
        raise WarehouseRefused("only SELECT, EXPLAIN, DESCRIBE, EXISTS and SHOW can be run here")
    _Check(canonical, words, nodes, tables, functions).run()


class _Check:
    def __init__(
        self,
        canonical: str,
        words: Sequence[Token],
        nodes: Sequence[Node],
        tables: frozenset[str],
        functions: frozenset[str],
    ) -> None:
        self._canonical, self._words, self._nodes = canonical, words, nodes
        self._functions = functions
        self._tables = tables | allowed.SYSTEM_TABLES | _common(words)
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
        for index, node in enumerate(self._nodes):
            if check := self._kinds.get(node.kind):
                check(index, node)
            elif node.kind not in allowed.NODES:
                raise WarehouseRefused(f"{node.kind} cannot be used here; plain SELECTs can")
        self._check_apply()

    def _above(self, node: Node, steps: int = 1) -> str:
        for _ in range(steps):
            node = self._nodes[node.parent] if node.parent >= 0 else Node("", "", "", -1)
        return node.kind

    def _function(self, index: int, node: Node) -> None:
        if self._above(node) == "TableExpression":
            if node.text.lower() not in allowed.TABLE_FUNCTIONS:
                raise WarehouseRefused(
                    f"the table function {node.text[:60]!r} cannot be used here; numbers, generateSeries "
                    "and values can"
                )
            return
        if not (
            re.fullmatch(r"\w+", node.text) and allowed.is_function(node.text, self._functions)
        ):
            raise WarehouseRefused(
                f"the function {node.text[:60]!r} cannot be used here; functions that only compute can"
            )
        if _IN.fullmatch(node.text):
            self._membership(index)

    def _membership(self, index: int) -> None:
        """The right side of IN may be a table's name, which the tree tells as any identifier."""
        (arguments,) = [at for at, node in enumerate(self._nodes) if node.parent == index][:1] or [
            -1
        ]
        sides = [node for node in self._nodes if node.parent == arguments]
        for side in sides[1:]:
            if side.kind == "Identifier" and side.text not in self._tables | self._aliases:
                raise self._no_table(side.text)

    def _table(self, index: int, node: Node) -> None:
        if node.text not in self._tables:
            raise self._no_table(node.text)

    @staticmethod
    def _no_table(name: str) -> WarehouseRefused:
        return WarehouseRefused(
            f"the table {name[:60]!r} cannot be read here; Footfall's own can (SHOW TABLES lists them)"
        )

    def _identifier(self, index: int, node: Node) -> None:
        """A column's name, a format's, or a function's that another one is to call."""
        if self._above(node) in _ROOT_KINDS and node.text not in allowed.FORMATS:
            raise WarehouseRefused(
                f"the format {node.text[:40]!r} cannot be used here; JSON, CSV and TSV can"
            )
        if node.text.lower() in self._functions and not allowed.is_function(
            node.text, self._functions
        ):
            raise WarehouseRefused(
                f"{node.text[:60]!r} is the name of a function that cannot be used here; give the column "
                "another name, or its table's before it"
            )

    def _literal(self, index: int, node: Node) -> None:
        if self._above(node) in _ROOT_KINDS:
            raise WarehouseRefused("answers go to whoever asks; INTO OUTFILE cannot be used here")
        if "aggregatefunction" in node.text.lower():
            raise WarehouseRefused(
                "states of aggregate functions cannot be made from text here; tables have them"
            )

    def _setting(self, index: int, node: Node) -> None:
        if self._above(node) != "Explain" or self._above(node, 2):
            raise WarehouseRefused("SETTINGS cannot be used here; the limits are the same for all")

    def _explain(self, index: int, node: Node) -> None:
        self._root(index, node)
        if not _EXPLAIN.match(self._canonical):
            raise WarehouseRefused(
                "EXPLAIN of a SELECT can be used here, and nothing else of EXPLAIN"
            )

    @staticmethod
    def _root(index: int, node: Node) -> None:
        if index:
            raise WarehouseRefused(f"{node.kind} cannot stand inside a query")

    def _check_apply(self) -> None:
        """What APPLY applies is in no tree: it must be the name of a function."""
        nodes = sum(node.kind == "ColumnsApplyTransformer" for node in self._nodes)
        pairs = list(pairwise([*self._words, Token("mark", "")]))
        arguments = [second for first, second in pairs if first == Token("word", "APPLY")]
        plain = [
            token
            for token in arguments
            if token.kind in ("word", "quoted")
            and allowed.is_function(token.value, self._functions)
        ]
        arrows = any(token.value == "->" for token in self._words) if nodes else False
        if len(plain) < max(nodes, len(arguments)) or (nodes and arrows):
            raise WarehouseRefused(
                "APPLY can be used with the name of a function that only computes"
            )


def _common(words: Sequence[Token]) -> frozenset[str]:
    """Names of common table expressions: the tree does not tell them. Plain ones, no paths."""
    names = {
        first.value
        for first, second, third in zip(words, words[1:], words[2:], strict=False)
        if first.kind in ("word", "quoted") and second.value == "AS" and third.value == "("
    }
    return frozenset(name for name in names if re.fullmatch(r"\w+", name))
