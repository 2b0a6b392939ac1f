"""`footfall.json` in a data folder: the number of the format of what lies there, and who made it.

Without that file a folder is of format 1: it was made before there were numbers.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

FORMAT: Final = 1
"""Of the embedded log with its state, and of the embedded warehouse: raised when another version could
not read what this one writes."""
FILE: Final = "footfall.json"


class Mark(msgspec.Struct, forbid_unknown_fields=False):
    """What the file holds. `made_by` is the version that made the folder."""

    format: int
    made_by: str


def refusal(folder: Path) -> str:
    """Why this version must not use the folder, with what to do; "" where it may."""
    path = folder / FILE
    try:
        mark = msgspec.json.decode(path.read_bytes(), type=Mark)
    except (FileNotFoundError, NotADirectoryError):
        mark = Mark(1, "a version before 0.1.0")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return (
            f"{path.absolute()} is damaged: it does not say which format the folder has. Put it back from a "
            f'copy; made by this version it is {{"format": {FORMAT}, "made_by": "{version("footfall")}"}}.'
        )
    except OSError as error:
        return f"{path.absolute()} cannot be read: {error.strerror}."
    if mark.format == FORMAT:
        return ""
    way = "Update Footfall" if mark.format > FORMAT else f"Use Footfall {mark.made_by[:40]}"
    return (
        f"{folder.absolute()} has format {mark.format}, made by Footfall {mark.made_by[:40]!r}; Footfall "
        f"{version('footfall')} reads format {FORMAT}. {way}, or begin in another folder."
    )


def mark(folder: Path) -> None:
    """Say which format a folder has, where it does not say so yet. Raises OSError."""
    path = folder / FILE
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(Mark(FORMAT, version("footfall"))) + b"\n")
        fresh.replace(path)
