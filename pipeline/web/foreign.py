"""Other websites: a page of theirs, open in a reader's browser, could have us run queries.

It cannot read the answers (no CORS here), but the work would be done. Browsers say in Origin and in
Sec-Fetch-Site where a request comes from (https://www.w3.org/TR/fetch-metadata/), but not all of
them, and not always: so what asks for data must carry what a page of another site cannot send
without asking first, which nobody here answers. A link from elsewhere to a page stays possible.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

PROGRAM_HEADER: Final = "X-Footfall"
"""A header of ours; its value says nothing."""

_OUR_OWN: Final = ("same-origin", "none")
"""Sec-Fetch-Site of our own pages, and of what a person typed."""
_CLICKHOUSE_PREFIX: Final = "x-clickhouse-"


def is_foreign(method: str, headers: Mapping[str, str], *, page: bool) -> bool:
    """Whether another site's page asks. `headers` by any case; `page`: for a page, not for data."""
    site = headers.get("Sec-Fetch-Site")
    if page and method == "GET" and _navigates(headers):
        return False
    if site is not None and site not in _OUR_OWN:
        return True
    origin = headers.get("Origin")
    return origin is not None and not _is_same(origin, headers.get("Host", ""))


def has_program_header(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request carries what another site's page could not have sent.

    A browser adds a password that it keeps (Basic) to what other sites' pages ask for, too; but where
    they send anything but GET, it says Origin, and `is_foreign` has seen that.
    """
    if headers.get("Sec-Fetch-Site") in _OUR_OWN or is_json(headers):
        return True
    scheme = headers.get("Authorization", "").partition(" ")[0].lower()
    if scheme == "bearer" or (scheme == "basic" and method == "POST"):
        return True
    names = [name.lower() for name in headers]
    return any(
        name == PROGRAM_HEADER.lower() or name.startswith(_CLICKHOUSE_PREFIX) for name in names
    )


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether the body is said to be JSON, which no form and no simple request can say."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind == "application/json"


def _navigates(headers: Mapping[str, str]) -> bool:
    document = headers.get("Sec-Fetch-Dest", "document") == "document"
    return document and headers.get("Sec-Fetch-Mode") == "navigate"


def _is_same(origin: str, host: str) -> bool:
    """The scheme is left to a proxy in front: here all is http, on one port."""
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
