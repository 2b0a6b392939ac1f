"""The two forms in which the engine tells a statement: canonical text, and a tree of nodes.

Both are its own words, but the tree leaves some things out (what APPLY applies, names of common
tables), and neither is a format made to be read back. So whatever is not known here is refused.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipeline.errors import WarehouseRefused

_TOKEN: Final = re.compile(
    r"""(?P<text>'(?:[^'\\]|\\.)*')
      |`(?P<quoted>[^`\\\x00-\x1f\x7f]*)`
      |\{(?P<param>\w+):(?P<type>[^{}]*)\}
      |(?P<number>\d[\w.]*)
      |(?P<word>[^\W\d]\w*)
      |(?P<mark>->|::|<=>|[()\[\],.+\-*/%=<>!|?:^])
      |[ ]+""",
    re.VERBOSE | re.DOTALL,
)
_NODE: Final = re.compile(
    r"(?P<indent> *)(?P<kind>[A-Z][A-Za-z:]*)(?: (?P<rest>.*?))??"
    r"(?: \(alias (?P<alias>.*?)\))?(?: \(children (?P<children>\d+)\))?"
)


class Token(NamedTuple):
    """`kind`: text, quoted (an identifier in backticks), param, type, number, word or mark."""

    kind: str
    value: str


class Node(NamedTuple):
    """A line of EXPLAIN AST. `parent` is its place in the list, −1 at the root."""

    kind: str
    text: str
    alias: str
    parent: int


def tokens(canonical: str) -> list[Token]:
    """What a canonical statement consists of. Raises WarehouseRefused for what is not known."""
    return list(_tokens(canonical))


def _tokens(canonical: str) -> Iterator[Token]:
    position = 0
    while position < len(canonical):
        match = _TOKEN.match(canonical, position)
        if match is None:
            raise WarehouseRefused(
                f"{canonical[position : position + 20]!r} cannot be used here; names are letters, digits and "
                "what prints on one line, without backslashes"
            )
        position = match.end()
        for kind, value in match.groupdict().items():
            if value is not None:
                yield Token(kind, value)


def tree(lines: str) -> list[Node]:
    """The nodes in order. Raises WarehouseRefused where they are no tree."""
    nodes: list[Node] = []
    above: list[int] = []
    missing_children: list[int] = []
    for line in lines.removesuffix("\n").split("\n"):
        match = _NODE.fullmatch(line)
        if match is None or len(match["indent"]) > len(above):
            raise _unknown(line)
        depth = len(match["indent"])
        del above[depth:]
        parent = above[-1] if above else -1
        if parent >= 0:
            missing_children[parent] -= 1
        above.append(len(nodes))
        nodes.append(Node(match["kind"], match["rest"] or "", match["alias"] or "", parent))
        missing_children.append(int(match["children"] or 0))
    if any(missing_children) or sum(node.parent < 0 for node in nodes) != 1:
        raise _unknown(lines[:40])
    return nodes


def _unknown(line: str) -> WarehouseRefused:
    return WarehouseRefused(f"{line.strip()[:80]!r} cannot be used here; plain SELECTs can")
