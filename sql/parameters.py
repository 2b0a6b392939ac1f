"""Parameters that a statement binds, `{name:Type}`: which there are, and other texts in their place."""

import re
from collections.abc import Callable
from typing import Final

_PARAMETER: Final = re.compile(r"\{(\w+):([^{}]+)\}")


def parameters(statement: str) -> dict[str, str]:
    """Names and ClickHouse types, in the order in which they first stand."""
    return dict(_PARAMETER.findall(statement))


def replace(statement: str, text_of: Callable[[str], str]) -> str:
    """The statement with `text_of(name)` for every parameter. Raises what `text_of` raises."""
    return _PARAMETER.sub(lambda match: text_of(match[1]), statement)
