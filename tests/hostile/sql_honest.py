"""Statements that people and Grafana ask, made from a grammar: all of them must be answered."""

from pathlib import Path
from random import Random
from typing import Any, Final

from tests.hostile.sql_escapes import sections

_GRAMMAR: Final = sections(Path(__file__).with_suffix(".txt"))
_WORDS: Final = {
    "a": "aggregates",
    "s": "scalars",
    "k": "over numbers",
    "t": "texts",
    "n": "numbers",
}
"""By letter: what stands for it; what is left of one may hold the next ones."""
PARAMS: Final[dict[str, Any]] = {"n": 7, "t": "it's `file`('x')", "l": ["a", "b/'c"]}


def questions(dice: Random, number: int) -> list[str]:
    """So many; a kind may come again."""
    return [_question(dice, kind) for kind in dice.choices(_GRAMMAR["whole"], k=number)]


def _question(dice: Random, sql: str) -> str:
    for letter, section in _WORDS.items():
        sql = sql.replace(f"{{{letter}}}", dice.choice(_GRAMMAR[section]))
    return sql.replace("{{", "{").replace("}}", "}")
