"""What `collectors.errors` says of itself: that no error of the collectors' is declared elsewhere."""

import ast
from pathlib import Path

from collectors import errors

ROOT = Path(__file__).parent.parent.parent
OURS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}


def declared_in(package: str) -> set[tuple[str, str]]:
    """Path and name of every class that is one of our errors."""
    return {
        (path.relative_to(ROOT).as_posix(), node.name)
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and {base.id for base in node.bases if isinstance(base, ast.Name)} & OURS
    }


def test_every_error_of_the_collectors_is_declared_in_one_module() -> None:
    names = OURS - {"CollectorError"}
    assert declared_in("collectors") == {("collectors/errors.py", name) for name in names}


def test_the_command_adds_one_of_its_own() -> None:
    assert {name for _, name in declared_in("footfall")} == {"PlayError"}
