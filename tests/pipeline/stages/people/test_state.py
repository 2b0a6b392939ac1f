"""Which module writes which table stands in one place, and is so."""

import re
from pathlib import Path

from pipeline.stages.people import state

ROOM = Path(state.__file__).parent
TABLES = "nodes|components|devices|sales|pairs|products|sums|contacts|clock|timers"


def test_tables_are_written_by_the_modules_that_the_state_names() -> None:
    assert state.__doc__ is not None
    documented = {
        table: set(re.findall(r"[a-z_]+", re.sub(r"\(.*?\)", "", writers)))
        for table, writers in re.findall(
            rf"^    ({TABLES}) +(?:\S+ )+ +(\S.*)$", state.__doc__, re.M
        )
    }
    written: dict[str, set[str]] = {table: set() for table in TABLES.split("|")}
    for path in ROOM.glob("*.py"):
        for table in re.findall(rf"\b({TABLES})\.(?:put|delete|set|clear)\(", path.read_text()):
            written[table].add(path.stem)
    assert documented == written
