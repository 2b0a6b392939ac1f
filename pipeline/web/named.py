"""The named queries in `sql/queries`: their texts, and what has to be bound to run them."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

import sql
from pipeline.errors import WarehouseRefused

_PARAMETER: Final = re.compile(r"\{(\w+):([^{}]+)\}")


class Named(NamedTuple):
    """A query. `params` are its bound parameters and their ClickHouse types, in order of text."""

    name: str
    text: str
    params: Mapping[str, str]

    def bind(self, given: Mapping[str, str]) -> dict[str, str]:
        """The values to bind. Raises WarehouseRefused where one is missing or unknown."""
        missing = [name for name in self.params if name not in given]
        unknown = [name for name in given if name not in self.params]
        if missing or unknown:
            needs = ", ".join(f"{name} ({kind})" for name, kind in self.params.items())
            raise WarehouseRefused(f"the query `{self.name}` takes {needs or 'nothing'}")
        return dict(given)


@cache
def names() -> tuple[str, ...]:
    """Every named query, sorted."""
    folder = files("sql").joinpath("queries")
    found = (entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(sorted(name.removesuffix(".sql") for name in found))


@cache
def named(name: str) -> Named:
    """One query. Raises KeyError for a name that is none."""
    if name not in names():
        raise KeyError(name)
    text = sql.load(f"queries/{name}")
    return Named(name, text, dict(_PARAMETER.findall(text)))
