"""SQL texts: numbered migrations, named queries, rollups. Python only loads them."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> str:
    """The text of `sql/<name>.sql`, for example `load("embedded/log")`."""
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def statements(text: str) -> Iterator[str]:
    """The statements of a file: each ends with a semicolon at the end of a line."""
    for statement in text.split(";\n"):
        if any(line and not line.startswith("--") for line in statement.splitlines()):
            yield statement.strip().removesuffix(";")
