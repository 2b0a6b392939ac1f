"""URLs and texts as they may be shown and stored: without user, password and token. Pure."""

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final
from urllib.parse import quote, unquote

from pipeline.addresses import is_host

HIDDEN: Final = "***"
_LOCAL: Final = frozenset({"embedded", "chdb", "null"})
"""What follows is a directory, whatever it looks like."""
_SERVER: Final = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]+))(?::\d{1,5})?", re.ASCII)
_DATABASE: Final = re.compile(r"/\w{1,64}")
_SHORTEST: Final = 4
"""Letters of a secret that is looked for in texts: shorter ones are in every text."""


def masked(url: str) -> str:
    """The same for people, tables and logs: scheme, host and port, and a ClickHouse's database.

    A path may be a secret (webhooks' often are): in its place stand eight hexadecimal digits that
    tell one from another. What cannot be told apart for sure, such as a password with a / in it, is
    hidden with all around it.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url
    if not url or scheme in _LOCAL:
        return url
    cut = re.search(r"[/?#\\]", rest)
    authority, tail = (rest[: cut.start()], rest[cut.start() :]) if cut else (rest, "")
    _, at, servers = authority.rpartition("@")
    if not re.fullmatch(r"[a-z][a-z0-9+.-]{0,20}|", scheme) or "@" in tail or not _are(servers):
        return f"{scheme}{mark}{HIDDEN}" if re.fullmatch(r"[a-z]{1,20}", scheme) else HIDDEN
    if not mark and not re.search(r"[.:]", servers):
        return HIDDEN  # any word: a secret in the wrong place
    shown = f"{scheme}{mark}{HIDDEN + at if at else ''}{servers}"
    if scheme == "clickhouse" and (database := _DATABASE.match(tail)):
        shown, tail = shown + database[0], tail[database.end() :]
    return shown + (f"/…{_digest(tail)}" if tail.strip("/") else tail)


def secrets_of(url: str) -> Iterator[str]:
    """The parts of a URL that are never shown, as they are written and as they are meant."""
    scheme, _, rest = url.partition("://")
    if scheme in _LOCAL:
        return
    found: list[str] = []
    for login, after in _readings(rest):
        found += [login, *login.split(":", 1)]
        cut = re.search(r"[/?#]", after)
        if cut and scheme != "clickhouse":
            tail = after[cut.end() :]
            found += [tail, *re.split(r"[/?#&@]", tail), *re.findall(r"=([^&#]+)", tail)]
    for part in filter(None, found):
        plain, whole = (quote(part, safe, errors="replace") for safe in ("/", ""))
        yield from (part, unquote(part), plain, whole)


def _readings(rest: str) -> Iterator[tuple[str, str]]:
    """Login and what follows it: a / ends a login, or an @ stands in a path; who knows."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    for end in {authority.rfind("@"), rest.rfind("@")}:
        yield rest[: max(end, 0)], rest[end + 1 :]


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """A text of somebody else's (an error's, an engine's) without these secrets."""
    for secret in sorted({s for s in secrets if len(s) >= _SHORTEST}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _are(servers: str) -> bool:
    """Whether it is HOST[:PORT] and nothing else, or several with commas between."""
    found = [_SERVER.fullmatch(server) for server in servers.split(",")]
    return all(one is not None and is_host(one[1] or one[2]) for one in found)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
