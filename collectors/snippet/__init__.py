"""The tracking snippet, `footfall.js`: what a site loads into its pages."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

_COMMENTS: Final = re.compile(r"^[ \t]*(?:/\*.*?\*/|//[^\n]*)[ \t]*\n", re.MULTILINE | re.DOTALL)
_TRAILING: Final = re.compile(r"(?<=[;,{]) // [^\n]*$", re.MULTILINE)
_BLANK: Final = re.compile(r"^\s+", re.MULTILINE)


@cache
def script() -> bytes:
    """The script as served: comments, blank lines and indents are left out."""
    text = files(__package__).joinpath("footfall.js").read_text(encoding="utf-8")
    return _BLANK.sub("", _TRAILING.sub("", _COMMENTS.sub("", text))).encode()
