"""The named queries in `sql/queries`: their texts, and what has to be bound to run them."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import sql
from pipeline.errors import WarehouseRefused
from sql.parameters import parameters


class NamedQuery(NamedTuple):
    """A query. `params` are its bound parameters and their ClickHouse types, in order of text."""

    name: str
    text: str
    params: Mapping[str, str]

    def bind(self, values: Mapping[str, str]) -> dict[str, str]:
        """The values to bind. Raises WarehouseRefused where one is missing or unknown."""
        missing = [name for name in self.params if name not in values]
        unknown = [name for name in values if name not in self.params]
        if missing or unknown:
            needs = ", ".join(f"{name} ({kind})" for name, kind in self.params.items())
            raise WarehouseRefused(f"the query `{self.name}` takes {needs or 'nothing'}")
        return dict(values)


@cache
def names() -> tuple[str, ...]:
    """Every named query, sorted."""
    folder = files("sql").joinpath("queries")
    stems = (entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(sorted(name.removesuffix(".sql") for name in stems))


@cache
def named_query(name: str) -> NamedQuery:
    """One query. Raises KeyError for a name that is none."""
    if name not in names():
        raise KeyError(name)
    text = sql.load(f"queries/{name}")
    return NamedQuery(name, text, parameters(text))
