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
    rest: str
    alias: str
    parent: int


def tokens(canonical: str) -> list[Token]:
    """What a canonical statement consists of. Raises WarehouseRefused for what is not known."""
    return list(_tokens(canonical))


def _tokens(canonical: str) -> Iterator[Token]:
    place = 0
    while place < len(canonical):
        found = _TOKEN.match(canonical, place)
        if found is None:
            raise WarehouseRefused(
                f"{canonical[place : place + 20]!r} cannot be used here; names are letters, digits and "
                "what prints on one line, without backslashes"
            )
        place = found.end()
        for kind, value in found.groupdict().items():
            if value is not None:
                yield Token(kind, value)


def tree(lines: str) -> list[Node]:
    """The nodes in order. Raises WarehouseRefused where they are no tree."""
    nodes: list[Node] = []
    above: list[int] = []
    promised: list[int] = []
    for line in lines.removesuffix("\n").split("\n"):
        found = _NODE.fullmatch(line)
        if found is None or len(found["indent"]) > len(above):
            raise _unknown(line)
        depth = len(found["indent"])
        del above[depth:]
        parent = above[-1] if above else -1
        if parent >= 0:
            promised[parent] -= 1
        above.append(len(nodes))
        nodes.append(Node(found["kind"], found["rest"] or "", found["alias"] or "", parent))
        promised.append(int(found["children"] or 0))
    if any(promised) or sum(node.parent < 0 for node in nodes) != 1:
        raise _unknown(lines[:40])
    return nodes


def _unknown(line: str) -> WarehouseRefused:
    return WarehouseRefused(f"{line.strip()[:80]!r} cannot be used here; plain SELECTs can")
