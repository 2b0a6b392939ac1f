"""The Makefile: what its recipes leave behind can be removed, and nothing else is."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
_OF_PYTHON = {"__pycache__/", "*.egg-info/"}


def test_clean_removes_all_that_is_not_in_the_repository() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    removed = makefile.split("\nclean:\n")[1].partition("\n\n")[0].replace("$(VENV)", ".venv")
    ignored = set((ROOT / ".gitignore").read_text(encoding="utf-8").split()) - _OF_PYTHON
    names = {Path(one).name for one in removed.split()}
    assert {one.strip("/") for one in ignored} - {"data"} <= names


def test_clean_leaves_a_shop_s_data() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "data" not in makefile.split("\nclean:\n")[1].partition("\n\n")[0].split()
