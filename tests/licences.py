"""What licences come with the product: `python -m tests.licences` writes docs/licences.md anew.

Read from the packages that requirements.lock pins, as they are installed here.
"""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "licences.md"
COPYLEFT = re.compile(r"\b(?:A?GPL|LGPL|MPL|EPL|EUPL|CDDL|OSL|SSPL)", re.IGNORECASE)
ELSEWHERE = "not installed on this system"
_PIN = re.compile(r"^([a-z0-9._-]+)==(\S+?)(?: ; (.+?))? \\$", re.MULTILINE)
_LONGEST = 60
_TITLE = """# Licences

What `requirements.lock` pins, so what `make install` and the image bring, by what each package says of
itself. `make licences` writes this page; a test holds it against the lock. Footfall itself is under
Apache-2.0.
"""
_TERMS = {
    "crc32c": "a library of its own, used as it is published; who passes it on must offer its source "
    "and let it be replaced",
}
"""What copyleft asks of whoever passes the package on."""


class Pin(NamedTuple):
    """One line of a lock; `where` is its marker, or ""."""

    name: str
    version: str
    where: str


def pins(lock: str) -> list[Pin]:
    """Every package of `requirements.lock` or `requirements-dev.lock`."""
    return [Pin(*found) for found in _PIN.findall((ROOT / lock).read_text(encoding="utf-8"))]


def licence(name: str) -> str:
    """What the package says: its SPDX expression, else its classifiers, else its own words."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ELSEWHERE
    if "License-Expression" in told:
        return str(told["License-Expression"])
    own = str(told["License"]).strip() if "License" in told else ""
    classes = [
        one.rpartition(" :: ")[2]
        for one in told.get_all("Classifier") or ()
        if one.startswith("License ::")
    ]
    return ", ".join(classes) or (own if own and len(own) <= _LONGEST else "see the package")


def page() -> str:
    """The whole page."""
    rows = [(pin, licence(pin.name)) for pin in pins("requirements.lock")]
    flagged = list(_copyleft(rows))
    some = "\n".join(flagged) if flagged else "None."
    table = "\n".join(
        f"| {pin.name} | {pin.version} | {said} | {pin.where.replace('|', '/') or 'always'} |"
        for pin, said in rows
    )
    return (
        f"{_TITLE}\n## Copyleft\n\n{some}\n\n## All\n\n"
        f"| package | version | licence | installed where |\n|---|---|---|---|\n{table}\n"
    )


def _copyleft(rows: list[tuple[Pin, str]]) -> Iterator[str]:
    for pin, said in rows:
        if COPYLEFT.search(said) or "Lesser General" in said:
            yield f"- **{pin.name}** ({said}): {_TERMS[pin.name]}."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
