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


def mask_url(url: str) -> str:
    """The same for people, tables and logs: scheme, host and port, and a ClickHouse's database.

    A path may be a secret (webhooks' often are): in its place stand eight hexadecimal digits that
    tell one from another. What cannot be told apart for sure, such as a password with a / in it, is
    hidden with all around it.
    """
    scheme, separator, remainder = url.partition("://")
    if not separator:
        scheme, remainder = "", url
    if not url or scheme in _LOCAL:
        return url
    cut = re.search(r"[/?#\\]", remainder)
    authority, tail = (
        (remainder[: cut.start()], remainder[cut.start() :]) if cut else (remainder, "")
    )
    _, at, servers = authority.rpartition("@")
    if (
        not re.fullmatch(r"[a-z][a-z0-9+.-]{0,20}|", scheme)
        or "@" in tail
        or not _are_servers(servers)
    ):
        return f"{scheme}{separator}{HIDDEN}" if re.fullmatch(r"[a-z]{1,20}", scheme) else HIDDEN
    if not separator and not re.search(r"[.:]", servers):
        return HIDDEN  # any word: a secret in the wrong place
    visible = f"{scheme}{separator}{HIDDEN + at if at else ''}{servers}"
    if scheme == "clickhouse" and (database := _DATABASE.match(tail)):
        visible, tail = visible + database[0], tail[database.end() :]
    return visible + (f"/…{_digest(tail)}" if tail.strip("/") else tail)


def secrets_of(url: str) -> Iterator[str]:
    """The parts of a URL that are never shown, as they are written and as they are meant."""
    scheme, _, remainder = url.partition("://")
    if scheme in _LOCAL:
        return
    secrets: list[str] = []
    for login, after in _readings(remainder):
        secrets += [login, *login.split(":", 1)]
        cut = re.search(r"[/?#]", after)
        if cut and scheme != "clickhouse":
            tail = after[cut.end() :]
            secrets += [tail, *re.split(r"[/?#&@]", tail), *re.findall(r"=([^&#]+)", tail)]
    for secret in filter(None, secrets):
        quoted, fully_quoted = (quote(secret, safe, errors="replace") for safe in ("/", ""))
        yield from (secret, unquote(secret), quoted, fully_quoted)


def _readings(remainder: str) -> Iterator[tuple[str, str]]:
    """Login and what follows it: a / ends a login, or an @ stands in a path; who knows."""
    authority = re.split(r"[/?#]", remainder, maxsplit=1)[0]
    for end in {authority.rfind("@"), remainder.rfind("@")}:
        yield remainder[: max(end, 0)], remainder[end + 1 :]


def scrub(text: str, secrets: Iterable[str]) -> str:
    """A text of somebody else's (an error's, an engine's) without these secrets.

    All are looked for in the text as it came: to hide one after another would cut those that overlap, and
    show what is left of them.
    """
    spans = sorted(
        (match.start(), match.start() + len(secret))
        for secret in {s for s in secrets if len(s) >= _SHORTEST}
        for match in re.finditer(f"(?={re.escape(secret)})", text)
    )
    parts: list[str] = []
    end = 0
    for start, stop in spans:
        if start >= end:
            parts += [text[end:start], HIDDEN]
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def _are_servers(servers: str) -> bool:
    """Whether it is HOST[:PORT] and nothing else, or several with commas between."""
    matches = [_SERVER.fullmatch(server) for server in servers.split(",")]
    return all(match is not None and is_host(match[1] or match[2]) for match in matches)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
