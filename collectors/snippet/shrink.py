"""JavaScript as written → as served: no comments, no needless space, short names. Pure.

It knows the little that `footfall.js` uses, and asks of the text: statements end in semicolons,
no loop or condition has an empty body, strings are in double quotes on one line, templates are not
used, a regular expression stands after one of ( , = ! and no division does.

`const NAME = literal;` in capitals is put in where it is used. Any other declared name is shortened
throughout, unless it is also a member's or a key's name somewhere, or a shorthand: then it cannot
be told apart and stays.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, pairwise, product
from string import ascii_letters
from typing import Final

_TOKEN: Final = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | \s+                              # left out
      | "(?:[^"\\\n]|\\.)*"
      | (?:(?<=[(,=!])|(?<=[(,=!]\ ))/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*
      | \.\.\. | => | [\w$]+ | . """,
    re.VERBOSE | re.DOTALL,
)
_WORD: Final = re.compile(r"[A-Za-z_$][\w$]*")
_CAPITALS: Final = re.compile(r"[A-Z_]+")
_OPENING: Final = {")": "(", "]": "[", "}": "{"}


def shrunk(source: str) -> str:
    """The same program in fewer characters."""
    tokens = list(_inlined(list(_tokens(source))))
    short = {**_short_names(tokens), "const": "let"}
    return "".join(_spaced(list(_joined([short.get(piece, piece) for piece in tokens]))))


def _tokens(source: str) -> Iterator[str]:
    for piece in _TOKEN.findall(source):
        if not piece.isspace() and not piece.startswith(("/*", "//")):
            yield piece


def _inlined(tokens: list[str]) -> Iterator[str]:
    literals: dict[str, str] = {}
    while tokens:
        match tokens[:5]:
            case ["const", name, "=", value, ";"] if _CAPITALS.fullmatch(name):
                literals[name] = value
                del tokens[:5]
            case _:
                piece = tokens.pop(0)
                yield literals.get(piece, piece)


def _joined(pieces: Sequence[str]) -> Iterator[str]:
    """`let a = 1; let b = 2;` → `let a = 1, b = 2;`."""
    declaring, joining = [False], False
    for piece, after in pairwise((*pieces, "")):
        if piece in _OPENING:
            declaring.pop()
        elif piece in _OPENING.values():
            declaring.append(False)
        elif piece == "let":
            declaring[-1] = True
        elif piece == ";":
            declaring[-1] = joining = declaring[-1] and after == "let"
            yield "," if joining else ";"
            continue
        if not joining:
            yield piece
        joining = False


def _spaced(tokens: Sequence[str]) -> Iterator[str]:
    for piece, after in pairwise((*tokens, " ")):
        if piece not in (",", ";") or after != "}":  # the last of a block or an object
            yield piece
        if _wordy(piece[-1]) and _wordy(after[0]):
            yield " "


def _wordy(character: str) -> bool:
    return character.isalnum() or character in "_$"


def _short_names(tokens: Sequence[str]) -> dict[str, str]:
    in_use = Counter(piece for piece in tokens if _WORD.fullmatch(piece))
    ours = sorted(
        _declared(tokens) - _bound_outside(tokens), key=lambda name: (-in_use[name], name)
    )
    free = (name for name in _names() if name not in in_use)
    return dict(zip(ours, free, strict=False))


def _names() -> Iterator[str]:
    for length in count(1):
        yield from map("".join, product(ascii_letters, repeat=length))


def _declared(tokens: Sequence[str]) -> set[str]:
    """Names after const and let, and the parameters of arrow functions."""
    names = {name for word, name in pairwise(tokens) if word in ("const", "let")}
    for position, piece in enumerate(tokens):
        if piece == "=>":
            names.update(_parameters(tokens, position - 1))
    return {name for name in names if _WORD.fullmatch(name)}


def _parameters(tokens: Sequence[str], last: int) -> Iterator[str]:
    if tokens[last] != ")":
        yield tokens[last]
        return
    position = last - 1
    while tokens[position] != "(" and tokens[position] not in _OPENING:
        if tokens[position - 1] in "(,":
            yield tokens[position]
        position -= 1


def _bound_outside(tokens: Sequence[str]) -> set[str]:
    """Names that mean something to others: members, keys, shorthands."""
    bound, stream = set(), ["("]
    for before, piece, after in zip(("", *tokens), tokens, (*tokens[1:], ""), strict=False):
        if piece in _OPENING:
            stream.pop()
        elif piece in _OPENING.values():
            stream.append(piece)
        listed = stream[-1] == "{" and before in ("{", ",") and after in (",", "}")
        method = stream[-1] == "{" and before == "," and after == "("
        if before == "." or after == ":" or listed or method:
            bound.add(piece)
    return bound
