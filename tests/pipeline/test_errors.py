"""What `pipeline.errors` says of itself: that no error of the pipeline's is declared elsewhere."""

import ast
import builtins
from pathlib import Path

import pytest

from pipeline import errors

ROOT = Path(__file__).parent.parent.parent
OURS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
BUILTIN = {
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}


def declared_in(package: str, bases: set[str]) -> set[tuple[str, str]]:
    """Path and name of every class with one of these bases."""
    return {
        (path.relative_to(ROOT).as_posix(), node.name)
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and {base.id for base in node.bases if isinstance(base, ast.Name)} & bases
    }


def test_every_error_of_the_pipeline_is_declared_in_one_module() -> None:
    assert declared_in("pipeline", OURS | BUILTIN) == {
        ("pipeline/errors.py", name) for name in OURS
    }


def test_the_command_adds_two_of_its_own() -> None:
    assert {name for _, name in declared_in("footfall", OURS)} == {"StackError", "BenchError"}


@pytest.mark.parametrize("name", sorted(OURS - {"FootfallError", "HalfMerged"}))
def test_an_error_may_pass_or_it_may_not(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, errors.Retryable) != issubclass(kind, errors.Permanent)
