"""Markdown out of plain values."""

from collections.abc import Iterable, Sequence


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {line}" for line in lines)


def numbered(lines: Iterable[str]) -> str:
    """Steps."""
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are one line each."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def code(language: str, text: str) -> str:
    """A block to be copied."""
    return f"```{language}\n{text.rstrip()}\n```"


def words(names: Iterable[str]) -> str:
    """Names as code, with commas between."""
    return ", ".join(f"`{name}`" for name in names)
