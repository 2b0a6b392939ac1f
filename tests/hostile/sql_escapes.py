"""Statements that reach out of the warehouse, made from a grammar: atoms, spellings, places, tails.

Nothing here says what must be refused. What a statement does is looked at from outside.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final, NamedTuple


class Target(NamedTuple):
    """What attacks are aimed at: a file to read, one to write, a port that nobody may connect to."""

    canary: str
    out: str
    port: int


class Attack(NamedTuple):
    """A statement with the format and the parameters that come with it."""

    sql: str
    fmt: str
    params: dict[str, str]


def sections(path: Path) -> dict[str, list[str]]:
    """The lines of each section of a grammar, by the first word of its title."""
    found: dict[str, list[str]] = {}
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    for line in lines[1:]:
        if line.startswith("["):
            name = line[1:-1].partition(":")[0]
            found[name] = []
        else:
            found[name].append(line)
    return found


_GRAMMAR: Final = sections(Path(__file__).with_suffix(".txt"))
_TAILS: Final = (
    "",
    "",
    "",
    "",
    " FORMAT CSV",
    " FORMAT Template",
    " SETTINGS readonly = 0",
    ";",
    " LIMIT 1",
    " FORMAT Protobuf SETTINGS format_schema = '{plain}:M'",
    " SETTINGS max_execution_time = 0",
    " INTO OUTFILE '{out}'",
    " INTO OUTFILE '{out}' TRUNCATE FORMAT CSV",
    " INTO OUTFILE '{out}' APPEND",
    " INTO OUTFILE '{out}' AND STDOUT",
    " into /**/ outfile '{out}' format JSON",
    " -- {plain}",
    "; SELECT * FROM file('{plain}')",
    " SETTINGS log_comment = 'a'",
    "\n/* a */ ",
    " FORMAT LineAsString",
    " FORMAT Template SETTINGS format_template_row = '{plain}'",
)
_FORMATS: Final = (
    "CSV",
    "CSV",
    "CSV",
    "TSVRaw",
    "JSONCompact",
    "Native",
    "Template",
    "CapnProto",
    "MySQLWire",
)
_PARAMS: Final = {"p": "file", "q": "AggregateFunction(uniq, String)"}


def attacks(dice: Random, target: Target, number: int) -> list[Attack]:
    """So many different ones."""
    found: dict[str, Attack] = {}
    while len(found) < number:
        attack = _attack(dice, target)
        found[attack.sql] = attack
    return list(found.values())


def _attack(dice: Random, target: Target) -> Attack:
    shape = dice.choice((_scalar, _scalar, _table, _table, _table, _whole))
    params = dict(_PARAMS) if shape is _whole else {}
    sql = shape(dice, target) + _fill(dice.choice(_TAILS), target)
    return Attack(_case(dice, sql), dice.choice(_FORMATS), params)


def _scalar(dice: Random, target: Target) -> str:
    name, argument = dice.choice(_GRAMMAR["scalars"]).split(" | ")
    value = _string(dice, _fill(argument, target))
    spelt = _spelt(dice, name)
    call = f"{spelt}{_gap(dice)}({value})"
    return (
        dice.choice(_GRAMMAR["places"])
        .replace("{x}", call)
        .replace("{f}", spelt)
        .replace("{v}", value)
    )


def _table(dice: Random, target: Target) -> str:
    table = dice.choice(_GRAMMAR["tables"])
    while "{" in table:
        word = table[table.index("{") + 1 : table.index("}")]
        table = table.replace("{" + word + "}", _part(dice, word, target), 1)
    return dice.choice(_GRAMMAR["from"]).replace("{t}", table)


def _part(dice: Random, word: str, target: Target) -> str:
    known: dict[str, Callable[[], str]] = {
        "canary": lambda: _string(dice, target.canary),
        "out": lambda: _string(dice, target.out),
        "plain": lambda: target.canary,
        "port": lambda: str(target.port),
    }
    return known.get(word, lambda: _spelt(dice, word) + _gap(dice))()


def _whole(dice: Random, target: Target) -> str:
    return _fill(dice.choice(_GRAMMAR["statements"]), target).replace("{{", "{").replace("}}", "}")


def _fill(text: str, target: Target) -> str:
    for name, value in (
        ("canary", target.canary),
        ("plain", target.canary),
        ("out", target.out),
        ("port", str(target.port)),
    ):
        text = text.replace("{" + name + "}", value)
    return text


def _spelt(dice: Random, name: str) -> str:
    """A function's name as one may write it."""
    ways: Sequence[str] = (name, name, name, f"`{name}`", f'"{name}"', name.upper(), name.lower())
    return dice.choice(ways)


def _gap(dice: Random) -> str:
    return dice.choice(("", "", " ", "\n", " /* ( */ ", " -- )\n", "\t"))


def _string(dice: Random, text: str) -> str:
    """A text as a literal or an expression."""
    escaped = "".join(
        f"\\x{ord(c):02x}" if dice.random() < 0.2 else c for c in text.replace("'", "''")
    )
    half = len(text) // 2
    ways = (
        f"'{text}'",
        f"'{text}'",
        f"'{escaped}'",
        f"$${text}$$",
        f"unhex('{text.encode().hex()}')",
        f"concat('{text[:half]}', '{text[half:]}')",
    )
    return dice.choice(ways)


def _case(dice: Random, sql: str) -> str:
    """Keywords in small letters, at times."""
    if dice.random() < 0.3:
        for word in (
            "SELECT",
            "FROM",
            "WITH",
            "DESCRIBE",
            "EXPLAIN",
            "UNION ALL",
            "APPLY",
            "OUTFILE",
        ):
            sql = sql.replace(word, word.lower())
    return sql
