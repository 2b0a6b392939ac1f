"""The Makefile: what its recipes leave behind can be removed, and nothing else is."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
_OF_PYTHON = {"__pycache__/", "*.egg-info/"}
_OF_THE_OWNER = {"/data/", "/files/*", "!/files/README.md"}


def test_clean_removes_all_that_is_not_in_the_repository() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    removed = makefile.split("\nclean:\n")[1].partition("\n\n")[0].replace("$(VENV)", ".venv")
    ignored = set((ROOT / ".gitignore").read_text(encoding="utf-8").split())
    names = {Path(one).name for one in removed.split()}
    left = ignored - _OF_PYTHON - _OF_THE_OWNER
    assert {one.strip("/") for one in left} <= names


def test_clean_leaves_what_is_the_owner_s() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    removed = makefile.split("\nclean:\n")[1].partition("\n\n")[0].split()
    assert not {"data", "files"} & set(removed)
