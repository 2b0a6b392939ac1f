"""The shop's only source of chance: one independent generator for every part of the world."""

from random import Random
from typing import Final

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


def dice(seed: int, *names: object) -> Random:
    """A generator that depends on `seed` and `names` alone: adding a part moves no other."""
    return Random(":".join(map(str, (seed, *names))))  # noqa: S311 - a shop, not a secret
