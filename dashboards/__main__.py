"""Write the dashboards' JSON: `python -m dashboards`. A test holds the files to the code."""

from pathlib import Path

from dashboards.boards import ALL
from dashboards.grafana import text_of

FOLDER = Path(__file__).parent / "json"


def main() -> None:
    """Write `json/<uid>.json` for every board."""
    for board in ALL:
        FOLDER.joinpath(f"{board.uid}.json").write_text(text_of(board), encoding="utf-8")


if __name__ == "__main__":
    main()
