"""Whether a disk is too full: collectors and workers judge it alike."""

from typing import Final

RETURN: Final = 1.25
"""There is room again at so many times the reserve: else the last byte would switch it to and fro."""


class Room:
    """What a disk has free beside `reserve`, both in bytes. A reserve of 0 is never touched."""

    def __init__(self, reserve: int) -> None:
        self.reserve, self.free, self.short = reserve, 0, False

    def update(self, free: int) -> bool:
        """Note how many bytes are free now; answers whether that is too little."""
        self.free = free
        self.short = free < self.reserve * (RETURN if self.short else 1)
        return self.short

    def __str__(self) -> str:
        return f"{_megabytes(self.free)} free, and {_megabytes(self.reserve)} are kept free"


def _megabytes(number: int) -> str:
    return f"{number / 1e6:,.0f} MB"
