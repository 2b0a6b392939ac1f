"""`footfall.json` in a data folder: the number of the format of what lies there, and who made it.

Without that file a folder is of format 1: it was made before there were numbers.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

FORMAT: Final = 1
"""Of the embedded log with its state, and of the embedded warehouse. It goes up when an older version
cannot read what this one writes."""
FILE: Final = "footfall.json"


class FolderFormat(msgspec.Struct, forbid_unknown_fields=False):
    """What the file holds. `made_by` is the version of Footfall that made the folder."""

    format: int
    made_by: str


def refusal(folder: Path) -> str:
    """Why this version must not use the folder, with what to do; "" where it may."""
    path = folder / FILE
    try:
        folder_format = msgspec.json.decode(path.read_bytes(), type=FolderFormat)
    except (FileNotFoundError, NotADirectoryError):
        folder_format = FolderFormat(1, "a version before 0.1.0")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return (
            f"{path.absolute()} is damaged: it does not say which format the folder has. Put it back from a "
            f'copy; made by this version it is {{"format": {FORMAT}, "made_by": "{version("footfall")}"}}.'
        )
    except OSError as error:
        return f"{path.absolute()} cannot be read: {error.strerror}."
    number, made_by = folder_format.format, folder_format.made_by[:40]
    if number == FORMAT:
        return ""
    remedy = "Update Footfall" if number > FORMAT else f"Use Footfall {made_by}"
    return (
        f"{folder.absolute()} has format {number}, made by Footfall {made_by!r}; Footfall "
        f"{version('footfall')} reads format {FORMAT}. {remedy}, or begin in another folder."
    )


def write_format(folder: Path) -> None:
    """Write the file, where the folder has none yet. Raises OSError."""
    path = folder / FILE
    if not path.exists():
        temporary = path.with_suffix(".new")
        content = msgspec.json.encode(FolderFormat(FORMAT, version("footfall")))
        temporary.write_bytes(content + b"\n")
        temporary.replace(path)
