"""What a check-up says of one part."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One part's state. Where it is `ok`, `advice` is only what is worth a look."""

    part: str
    ok: bool
    text: str
    advice: str = ""

    @property
    def verdict(self) -> str:
        """In a word."""
        return "WRONG" if not self.ok else "look" if self.advice else "ok"


def many(number: float, noun: str) -> str:
    """`1 trigger`, `2,000 triggers`."""
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"
