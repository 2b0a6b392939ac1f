"""One setting: how it is called in the environment and on the command line, and what its text means."""

from collections.abc import Callable
from dataclasses import Field, dataclass, field
from functools import partial
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")

PREFIX: Final = "FOOTFALL_"


@dataclass(frozen=True)
class Setting:
    """`parse` turns text into the value of `Settings`' attribute `field`.

    It raises ValueError with what it takes. A `secret` is never shown, not even where it is wrong; a
    `url` without what is secret in it.
    """

    name: str
    field: str
    default: str
    help: str
    parse: Callable[[str], Any]
    secret: bool = False
    url: bool = False

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """Its flag on the command line."""
        return "--" + self.name.replace("_", "-")


def setting(
    parse: Callable[[str], T],
    default: str,
    help: str,
    *,
    name: str = "",
    secret: bool = False,
    url: bool = False,
) -> T:
    """A field of a dataclass, declared as the setting `name` (the field's own name where there is none).

    The checker holds the field's type against what `parse` returns.
    """
    declaration = partial(Setting, default=default, help=help, parse=parse, secret=secret, url=url)
    return cast(T, field(metadata={"declaration": declaration, "name": name}))


def setting_of(field: Field[Any]) -> Setting:
    """What `setting` has declared in a field."""
    setting: Setting = field.metadata["declaration"](
        name=field.metadata["name"] or field.name, field=field.name
    )
    return setting
