"""Texts that name a place: a URL, hosts and ports, a directory. Checked when settings are read.

What passes here can be asked: it may be away, but no name or port in it is impossible. Each function
answers the text as it is and raises ValueError with what it takes.
"""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

LONGEST: Final = 2_000
"""Characters of a URL: more do not pass common servers and proxies."""
LONGEST_PATH: Final = 1_000
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII | re.IGNORECASE)
_LONGEST_NAME: Final = 253
_UNSAFE: Final = frozenset("?#%;")
"""What one of those that open the directory (SQLite, Faust, chDB) would read as no part of it."""


def web(text: str) -> str:
    """`https://…` or `http://…`, as the HTTP client itself reads it; "" for none. Raises ValueError."""
    if not text:
        return text
    from yarl import URL  # the parser of aiohttp, which sends to it

    takes = ValueError(
        "https://HOST[:PORT]/… or http://…, of at most 2000 characters without spaces"
    )
    if len(text) > LONGEST or not _plain(text):
        raise takes
    try:
        url = URL(text)
        host, port, user = url.raw_host or "", url.port, (url.user or "") + (url.password or "")
        user.encode("latin-1")  # HTTP's Basic authentication
    except ValueError:
        raise takes from None
    if url.scheme not in ("http", "https") or not is_host(host) or not port:
        raise takes
    if ":" in (url.user or ""):
        raise takes
    return text


def kafka(text: str) -> str:
    """`HOST:PORT[,HOST:PORT…]`. Raises ValueError."""
    if "@" in text:
        raise ValueError("kafka://HOST:PORT[,…] without user and password: SASL is not supported")
    if not all(map(_is_server, text.split(","))):
        raise ValueError("kafka://HOST:PORT[,HOST:PORT…]")
    return text


def clickhouse(text: str) -> str:
    """`[USER:PASSWORD@]HOST[:PORT][/DATABASE][?http_port=PORT]`. Raises ValueError."""
    takes = ValueError("clickhouse://[USER:PASSWORD@]HOST:PORT/DATABASE[?http_port=PORT]")
    try:
        parts = urlsplit(f"//{text}")
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise takes from None
    server = parts.netloc.rpartition("@")[2]
    options_valid = all(name == "http_port" and _is_port(value) for name, value in options)
    if not _plain(text) or not _is_server(server) or parts.fragment or not options_valid:
        raise takes
    if "/" in parts.path.strip("/"):
        raise takes
    return text


def directory(text: str) -> str:
    """A path of a directory. Raises ValueError."""
    printable = text.isprintable() and not _UNSAFE & set(text)
    if not text.strip() or not printable or len(text) > LONGEST_PATH:
        raise ValueError("a directory, without ? # % ; and control characters in its path")
    return text


def host(text: str) -> str:
    """A name or an IP address to listen on. Raises ValueError."""
    if not is_host(text):
        raise ValueError("a host name or an IP address, such as 127.0.0.1, ::1 or 0.0.0.0")
    return text


def is_host(text: str) -> bool:
    """Whether it is an IP address, or a name that may be looked up (in ASCII, as DNS has it)."""
    try:
        ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        return len(text) <= _LONGEST_NAME and all(map(_LABEL.fullmatch, labels))
    return True


def _is_server(text: str) -> bool:
    """`HOST[:PORT]`; an IPv6 address in brackets."""
    bare = re.fullmatch(r"\[([^\[\]@/]+)\](?::(\d+))?|([^:\[\]@/]+)(?::(\d+))?", text, re.ASCII)
    if bare is None:
        return False
    name, port = bare[1] or bare[3], bare[2] or bare[4]
    return is_host(name) and (":" in name) == bool(bare[1]) and (port is None or _is_port(port))


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", text) is not None and 0 < int(text) <= 65_535


def _plain(text: str) -> bool:
    """Neither spaces nor what cannot be seen, as it is written or as it is meant."""
    return text.isprintable() and unquote(text).isprintable() and not re.search(r"\s", text)
