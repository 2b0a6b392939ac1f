"""Write keys: which site a sender writes for, and what it may say there.

A browser's key is in every page that carries it, so it is no secret: it may only add events, within
bounds. A server's key is one: with it come purchases, tickets and history.

As text, keys have commas between: `k3y:myshop identify origin=https://www.myshop.example rate=50`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

DEFAULT_SITE: Final = "default"
RATE: Final = 1_000
"""Events a second that a browser's key may send on average where nothing else is said."""
SERVER_RATE: Final = 5_000
"""… and a server's key: a fifth of what one worker folds, so that an old backlog delays nobody."""

_SITE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")

IDENTIFY: Final = "identify"
PURCHASE: Final = "purchase"


class WriteKey(NamedTuple):
    """What a key stands for.

    `identify`: may say whose device it is. `purchase`: may say that something was bought. `server`:
    a secret; may also send tickets and history. `origins`: the only pages it may be used on, none:
    all. `rate`: events a second, 0 for no limit.
    """

    site: str
    identify: bool = False
    purchase: bool = False
    server: bool = False
    origins: frozenset[str] = frozenset()
    rate: int = RATE


Keys = Mapping[str, WriteKey]

OPEN: Final = WriteKey(DEFAULT_SITE, identify=True, purchase=True, server=True, rate=0)
"""Every key, where none is configured."""


def browser_keys(text: str) -> dict[str, WriteKey]:
    """`key:site [identify] [purchase] [origin=URL …] [rate=N]`, … → keys. Raises ValueError."""
    return dict(_browser_key(*words) for words in _split(text))


def server_keys(text: str) -> dict[str, WriteKey]:
    """`secret:site [rate=N]`, … → keys. Raises ValueError."""
    return dict(_server_key(*words) for words in _split(text))


def text_of(keys: Keys) -> str:
    """The text that parses to these keys, all of one kind."""
    return ",".join(" ".join((f"{name}:{key.site}", *_words_of(key))) for name, key in keys.items())


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL as browsers write them in Origin; "" where it has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")


def _split(text: str) -> Iterator[tuple[str, str, list[str]]]:
    names: set[str] = set()
    for part in filter(None, (part.split() for part in text.split(","))):
        name, _, site = part[0].partition(":")
        if not name or not _SITE.fullmatch(site):
            raise ValueError(
                "key:site pairs with commas between, each with its rights after it; a site is of "
                "letters, digits, dots, _ and -, at most 64"
            )
        if name in names:
            raise ValueError("every key once only")
        names.add(name)
        yield name, site, part[1:]


def _browser_key(name: str, site: str, words: list[str]) -> tuple[str, WriteKey]:
    values = _values(words, known=("origin", "rate"), rights=(IDENTIFY, PURCHASE))
    return name, WriteKey(
        site,
        identify=IDENTIFY in words,
        purchase=PURCHASE in words,
        origins=frozenset(_origin(value) for kind, value in values if kind == "origin"),
        rate=_rate(values, RATE),
    )


def _server_key(name: str, site: str, words: list[str]) -> tuple[str, WriteKey]:
    values = _values(words, known=("rate",), rights=())
    return name, OPEN._replace(site=site, rate=_rate(values, SERVER_RATE))


def _values(
    words: Iterable[str], known: tuple[str, ...], rights: tuple[str, ...]
) -> list[tuple[str, str]]:
    pairs = [word.partition("=") for word in words if word not in rights]
    for name, equals, _ in pairs:
        if name not in known or not equals:
            takes = (*rights, *(f"{item}=…" for item in known))
            raise ValueError(f"after key:site only {', '.join(takes)}")
    return [(name, value) for name, _, value in pairs]


def _origin(text: str) -> str:
    if origin_of(text) != text or not _HOST.fullmatch(urlsplit(text).hostname or ""):
        raise ValueError(
            "each origin as browsers write it, such as https://www.myshop.example: without a path, "
            f"a * or a usual port, and names with letters as xn--…; not {text!r}"
        )
    return text


def _rate(values: Iterable[tuple[str, str]], default: int) -> int:
    rates = [value for kind, value in values if kind == "rate"]
    if not rates:
        return default
    if len(rates) > 1 or not rates[0].isdecimal() or not 1 <= int(rates[0]) <= 10**6:
        raise ValueError("one rate, from 1 to 1000000 events a second")
    return int(rates[0])


def _words_of(key: WriteKey) -> Iterator[str]:
    if key.server:
        yield f"rate={key.rate}"
        return
    yield from (word for word, has in ((IDENTIFY, key.identify), (PURCHASE, key.purchase)) if has)
    yield from (f"origin={origin}" for origin in sorted(key.origins))
    yield f"rate={key.rate}"


def pages(keys: Keys) -> frozenset[str]:
    """The origins that browsers' keys are bound to; empty where one of them may be used anywhere."""
    bound = [key.origins for key in keys.values() if not key.server]
    return frozenset[str]().union(*bound) if all(bound) else frozenset()
