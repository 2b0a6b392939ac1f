"""`python -m collectors.sources [DIRECTORY]` writes the pages; `docs/sources` by default."""

import sys
from pathlib import Path

from collectors.sources.page import index, page
from collectors.sources.placeholders import Placeholders
from collectors.sources.registry import sources

_WRITTEN = "<!-- Written by `make sources` from the code of the source; do not edit. -->\n\n"
HOME = Path(__file__).parent.parent.parent / "docs" / "sources"


def pages() -> dict[str, str]:
    """File name → its text."""
    matches = sources()
    texts = {"README": index(matches)} | {item.name: page(item, Placeholders()) for item in matches}
    return {f"{name}.md": _WRITTEN + text for name, text in texts.items()}


def write(directory: Path) -> None:
    """Write all of them; a page whose source is gone goes too."""
    directory.mkdir(parents=True, exist_ok=True)
    expected = pages()
    for old in directory.glob("*.md"):
        if old.name not in expected:
            old.unlink()
    for name, text in expected.items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HOME)
