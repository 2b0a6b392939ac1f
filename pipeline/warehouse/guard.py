"""Which statements somebody else's SQL may hold, on an engine that runs inside our process.

`readonly = 1` refuses writes, DDL, files and URLs as tables, and changes of settings, but not all
that reaches out of the data: the function `file`, INTO OUTFILE, SYSTEM, KILL and USE pass it.
The engine itself rewrites the statement into one canonical form, which is then looked at.
"""

import re
from typing import Final

from pipeline.errors import WarehouseRefused

CANONICAL: Final = "SELECT formatQuerySingleLine({statement:String})"
"""The query whose answer `refuse_unsafe` takes. It fails for several statements in one text."""

_QUOTED: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`""")
_READS: Final = re.compile(r"\(*(SELECT|WITH|SHOW|DESCRIBE|EXPLAIN|EXISTS)\b")
_REACHES_OUT: Final = re.compile(r"\b(file|OUTFILE|eval|ai[A-Z]\w*|AI[A-Z]\w*)\b")


def refuse_unsafe(canonical: str) -> None:
    """Raise WarehouseRefused unless a canonical statement only reads, and only tables.

    A word is refused wherever it stands outside of quotes, since a function may be named without
    being called: `arrayMap(file, …)`, `* APPLY file`. Plain names have no quotes in this form.
    """
    if not _READS.match(canonical):
        raise WarehouseRefused("only SELECT, SHOW, DESCRIBE, EXPLAIN and EXISTS can be run here")
    if word := _REACHES_OUT.search(_QUOTED.sub("''", canonical)):
        raise WarehouseRefused(f"`{word[0]}` reaches out of the warehouse; it cannot be used here")
