"""Access logs of web servers → page views: Apache's and nginx's combined format, or JSON lines.

    kind = "access_log"
    site = "shop"
    salt = "at least sixteen characters that nobody knows"
    base = "https://shop.example"       # optional: makes whole URLs of the paths
    skip = ["/api/", "/admin"]          # optional: paths that begin so are no pages

    [columns]                           # JSON only, where the keys are not nginx's own names
    ip = "client"

A line is a page where it is a GET that was answered with 200 to 399 and asks for no asset. Who it
was is a keyed hash of address, agent and day (UTC), so that nobody can be followed from one day to
the next. Of the address no more than its network goes further (`collectors.enrichment.addresses`),
whatever the settings. Lines that cannot be read are refused with their addresses taken out.
"""

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from collectors import limits, times
from collectors.enrichment import addresses
from collectors.errors import FileError
from collectors.importing.mapping import Mapping
from collectors.importing.rows import Row, Unit, Unreadable
from schemas.time_units import DAY_MS

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "ip": ("remote_addr", "remote_ip", "client_ip", "clientip", "ip"),
    "time": ("time_iso8601", "time_local", "msec", "@timestamp", "timestamp", "time", "ts"),
    "request": ("request",),
    "method": ("request_method", "method"),
    "target": ("request_uri", "uri", "url", "path"),
    "status": ("status", "response"),
    "referrer": ("http_referer", "referer", "referrer"),
    "user_agent": ("http_user_agent", "user_agent", "agent"),
}
"""Our field → the keys it is looked for under, nginx's own names first."""

_QUOTED: Final = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_COMBINED: Final = re.compile(
    r"(?:[\w.-]+:\d{1,5} )?(?P<ip>\S+) \S+ [^\[\"]*\[(?P<time>[^\]]{1,40})\] "
    + _QUOTED.replace("(", "(?P<request>", 1)
    + r" (?P<status>\d{3}) \S+(?: "
    + _QUOTED.replace("(", "(?P<referrer>", 1)
    + " "
    + _QUOTED.replace("(", "(?P<user_agent>", 1)
    + ")?"
)
_CLOCK: Final = re.compile(r"(\d\d)/(\w{3})/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)")
_MONTHS: Final = {
    name: f"{number:02}"
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_ASSET: Final = re.compile(
    r"\.(?:css|m?js|map|json|xml|txt|rss|atom|webmanifest|wasm|ico|png|jpe?g|gif|svg|webp|avif|bmp"
    r"|woff2?|ttf|otf|eot|mp[34]|m4[av]|webm|ogg|wav|mov|pdf|zip|gz|br|tar|exe|dmg|apk)$",
    re.IGNORECASE,
)
_ESCAPED: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_ADDRESS: Final = re.compile(
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.I
)
_ALIKE: Final = 50_000
"""Lines among which equal ones are told apart by their number; equal lines share their second."""
_TRIED: Final = 1_000
"""When so many lines at the beginning are none of an access log, the file is none."""
_json: Final = msgspec.json.Decoder(dict[str, Any])


class _Hit(NamedTuple):
    """What a line says, as text."""

    ip: str
    time: str | float
    method: str
    target: str
    status: str
    referrer: str
    user_agent: str


def units(path: Path, mapping: Mapping, unreadable: list[Unreadable]) -> Iterator[Unit]:
    """Page views of a log (also gzipped), each with the lines since the one before.

    The row of a unit is the body of its event. The last one may be empty: the lines after the last
    page view. Lines that cannot be read go to `unreadable`. Raises FileError.
    """
    page, with_numbers = _pages(mapping), _Numbered()
    elapsed = 0
    for line_count, (number, line) in enumerate(_lines(path), 1):
        hit = _read(line, mapping)
        if hit is None:
            text = _ADDRESS.sub("-", line[: limits.MAX_TEXT])
            unreadable.append(Unreadable(text, -number))
            if line_count == len(unreadable) == _TRIED:
                raise FileError(f"{path}: none of its first {_TRIED:,} lines is of an access log.")
            continue
        elapsed += 1
        path_asked = _page_path(hit, mapping.skip)
        if path_asked is not None:
            yield Unit(page(hit, path_asked, with_numbers(line)), elapsed, (number,))
            elapsed = 0
    if elapsed:
        yield Unit({}, elapsed, ())


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as probe:
        zipped = probe.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if zipped else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.decode("utf-8", "replace").rstrip("\r\n")
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path} cannot be read: {error}") from error


def _read(line: str, mapping: Mapping) -> _Hit | None:
    if line.startswith("{"):
        return _from_json(line, mapping)
    match = _COMBINED.match(line)
    if match is None:
        return None
    ip, time, request, status, referrer, agent = match.groups()
    method, target = _request(_plain(request))
    return _Hit(ip, time, method, target, status, _plain(referrer), _plain(agent))


def _from_json(line: str, mapping: Mapping) -> _Hit | None:
    try:
        line_fields = _json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    matches = {
        field: _first(line_fields, mapping.columns.get(field), keys) for field, keys in KEYS.items()
    }
    method, target = _request(matches["request"])
    method, target = matches["method"] or method, matches["target"] or target
    if not (matches["time"] and matches["ip"] and matches["status"] and target):
        return None
    return _Hit(
        matches["ip"],
        matches["time"],
        method or "GET",
        target,
        matches["status"],
        _plain(matches["referrer"]),
        _plain(matches["user_agent"]),
    )


def _first(columns: dict[str, Any], column: str | None, keys: Iterable[str]) -> str:
    for key in (column,) if column else keys:
        value = columns.get(key)
        if isinstance(value, str | int | float) and value != "":
            return str(value)
    return ""


def _request(text: str) -> tuple[str, str]:
    """`GET /a?b HTTP/1.1` → method and target; what is no request has neither."""
    parts = text.split(" ")
    return (parts[0], parts[1]) if len(parts) > 1 else ("", "")


def _plain(text: str | None) -> str:
    """A quoted field without its escapes; "-" is nothing."""
    if not text or text == "-":
        return ""
    if "\\" not in text:
        return text
    raw = _ESCAPED.sub(lambda item: chr(int(item[1], 16)) if item[1] else item[2], text)
    try:
        return raw.encode("latin-1").decode()
    except UnicodeError:
        return raw


def _pages(mapping: Mapping) -> Callable[[_Hit, str, str], Row]:
    """A function from a hit, its path and its name to a page view as Segment's clients send it."""
    key = blake2b(mapping.salt.encode(), digest_size=32).digest()
    base = mapping.base.rstrip("/")

    @lru_cache(65_536)
    def visitor(ip: str, agent: str, day: int) -> str:
        person = f"{mapping.site}\n{day}\n{ip}\n{agent}".encode("utf-8", "replace")
        return "log-" + blake2b(person, digest_size=16, key=key).hexdigest()

    def page(hit: _Hit, path: str, name: str) -> Row:
        time = moment(hit.time)
        fields = {"path": path, "referrer": hit.referrer[: limits.MAX_TEXT]}
        if base:
            fields["url"] = (base + hit.target)[: limits.MAX_TEXT]
        return {
            "type": "page",
            "messageId": name,
            "timestamp": f"not a time: {hit.time}" if time is None else time,
            "anonymousId": visitor(hit.ip, hit.user_agent, (time or 0) // DAY_MS),
            "context": {
                "page": fields,
                "userAgent": hit.user_agent[: limits.MAX_TEXT],
                "ip": _network(hit.ip),
            },
        }

    return page


@lru_cache(4_096)
def _network(ip: str) -> str:
    address = addresses.parsed(ip)
    return addresses.truncated(address) if address else ""


def _page_path(hit: _Hit, skip: tuple[str, ...]) -> str | None:
    if hit.method != "GET" or not ("200" <= hit.status <= "399" and len(hit.status) == 3):
        return None
    path = hit.target.partition("?")[0].partition("#")[0][: limits.MAX_TEXT]
    expected = path.startswith("/") and not path.startswith(skip) and not _ASSET.search(path)
    return path if expected else None


@lru_cache(4_096)
def moment(text: str) -> int | None:
    """`10/Oct/2000:13:55:36 -0700`, ISO 8601, or seconds since 1970 → ms."""
    match = _CLOCK.fullmatch(text)
    if match:
        day, month, year, clock, hours, minutes = match.groups()
        return times.milliseconds(
            f"{year}-{_MONTHS.get(month, '00')}-{day}T{clock}{hours}:{minutes}"
        )
    try:
        return times.milliseconds(float(text) * 1000)
    except ValueError:
        return times.milliseconds(text)


class _Numbered:
    """Names of lines: what they say, and which of several equal ones each is.

    So a file that has grown, was rotated, or is gzipped by now gives its lines the same names.
    """

    def __init__(self) -> None:
        self._new: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    def __call__(self, line: str) -> str:
        digest = blake2b(line.encode("utf-8", "replace"), digest_size=16).digest()
        number = self._new.get(digest, self._old.get(digest, -1)) + 1
        self._new[digest] = number
        if len(self._new) >= _ALIKE:
            self._old, self._new = self._new, {}
        return f"{digest.hex()}-{number}"
