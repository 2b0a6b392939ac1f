"""SQL texts: numbered migrations, named queries, rollups. Python only loads them."""

from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> str:
    """The text of `sql/<name>.sql`, for example `load("embedded/log")`."""
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
