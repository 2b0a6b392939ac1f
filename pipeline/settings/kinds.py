"""What texts of settings mean: each kind turns text into a value, or raises ValueError with what it takes."""

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Final

from pipeline import addresses

_LONGEST_LINE: Final = 10_000


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def one_url(**kinds: Callable[[str], str]) -> Callable[[str], str]:
    """A URL of one of these schemes, each with what checks the remainder of the URL."""

    def parse(text: str) -> str:
        scheme, separator, remainder = text.partition("://")
        if not separator or scheme not in kinds:
            raise ValueError(" or ".join(f"{scheme}://…" for scheme in kinds))
        kinds[scheme](remainder)
        return text

    return parse


def one_of(*words: str) -> Callable[[str], str]:
    """One of `words`."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(" or ".join(words))
        return text

    return parse


def texts(text: str) -> tuple[str, ...]:
    """Texts with commas between; any text is some."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def names(text: str) -> tuple[str, ...]:
    """Host names and addresses, each with a port or without. Raises ValueError."""
    words = texts(text)
    if not all(re.fullmatch(r"(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d+)?", word) for word in words):
        raise ValueError(
            "names such as stats.myshop.example or 192.0.2.7:8101, with commas between"
        )
    return words


def token(text: str) -> str:
    """A secret of 16 signs or more that a header can carry, or nothing. Raises ValueError."""
    if text and not re.fullmatch(r"[!-~]{16,}", text):
        raise ValueError("16 or more letters, digits or signs, as `openssl rand -hex 16` makes")
    return text


def proxies(text: str) -> tuple[str, ...]:
    """`private`, networks, or `none` by itself. Raises ValueError."""
    words = texts(text)
    try:
        for word in words:
            if word != "private" and words != ("none",):
                ip_network(word)
    except ValueError:
        words = ()
    if not words:
        raise ValueError("private, none, or networks such as 203.0.113.0/24 with commas between")
    return words


def path(text: str) -> str:
    """The path of a URL. Raises ValueError."""
    if not re.fullmatch(r"(?:/[\w.-]+)+", text, re.ASCII):
        raise ValueError("a path such as /footfall.js")
    return text


def file(text: str) -> str:
    """The path of a file, which need not be there yet. Raises ValueError."""
    if not text.isprintable() or len(text) > addresses.LONGEST_PATH:
        raise ValueError("the path of a file")
    return text


def files(text: str) -> tuple[str, ...]:
    """Paths of files with commas between. Raises ValueError."""
    return tuple(map(file, texts(text)))


def line(text: str) -> str:
    """One line that prints. Raises ValueError."""
    if not text.isprintable() or len(text) > _LONGEST_LINE:
        raise ValueError(f"one line of at most {_LONGEST_LINE} characters")
    return text


def pace(text: str) -> tuple[int, int, float] | None:
    """(start ms, wall ms, speed) of a faster clock; None for the real time. Raises ValueError.

    Speeds and times that no date can hold would end a collector at its first tick.
    """
    if not text:
        return None
    time_ms, number = r"[0-9]{1,14}", r"[0-9]{1,9}(?:\.[0-9]{1,20})?"
    if not re.fullmatch(f"{time_ms},{time_ms},{number}", text) or not float(text.split(",")[2]):
        raise ValueError("start_ms,wall_ms,speed (above 0), or nothing for the real time")
    start, wall, speed = text.split(",")
    return int(start), int(wall), float(speed)
