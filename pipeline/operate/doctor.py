"""The check-up: each part says how it is, and where it is ill, what to do."""

import re
import shutil
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import sql
from pipeline.errors import FootfallError
from pipeline.operate.reach import ask, status_of
from pipeline.settings import Settings

LAG_RECORDS = 1_000
FREE_BYTES = 2 * 1024**3


_WITHHELD = re.compile(
    r'^footfall_collector_withheld_events_total\{right="([^"]*)",site="([^"]*)"\} (\S+)$', re.M
)
_LIMITED = re.compile(r'^footfall_collector_limited_requests_total\{site="([^"]*)"\} (\S+)$', re.M)


class Finding(NamedTuple):
    """One part's state; `advice` is empty where it is well."""

    part: str
    ok: bool
    text: str
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """All findings; never raises on what it finds. Settings were checked when they were read."""
    return [
        Finding("settings", True, "every value can be used"),
        *_collector(settings),
        *_log(settings),
        *_worker(settings),
        _warehouse(settings),
        *_disk(settings),
    ]


def _collector(settings: Settings) -> Iterator[Finding]:
    place = f"{settings.host}:{settings.port}"
    connection = HTTPConnection(settings.host, settings.port, timeout=5)
    try:
        status, _ = _asked(connection, "/ready")
        _, metrics = _asked(connection, "/metrics")
    except OSError as error:
        yield Finding("collector", False, f"nothing answers on {place}: {error}",
                      "Start it: footfall up, or footfall collect.")  # fmt: skip
        return
    finally:
        connection.close()
    if status == 200:
        yield Finding("collector", True, f"takes events on {place}")
    else:
        yield Finding("collector", False, f"{place} answers {status}: the log takes no events",
                      "Look at the log below; clients keep events and try again.")  # fmt: skip
    yield from keys(metrics)


def _asked(connection: HTTPConnection, path: str) -> tuple[int, str]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def keys(metrics: str) -> Iterator[Finding]:
    """What write keys were too weak for, by a collector's own count since it started."""
    for right, site, count in _WITHHELD.findall(metrics):
        yield Finding("keys", True, f"site {site}: {float(count):.0f} events lost what only a key "
                      f"with `{right}` may say", f"If its pages are to be believed, add {right} to "
                      "the key in FOOTFALL_WRITE_KEYS, or send it from a server.")  # fmt: skip
    for site, count in _LIMITED.findall(metrics):
        yield Finding("keys", True, f"site {site}: {float(count):.0f} requests over its key's rate "
                      "were asked to come again", "Raise rate= of the key, or find who sends so "
                      "much.")  # fmt: skip


def _log(settings: Settings) -> Iterator[Finding]:
    scheme, _, place = settings.log.partition("://")
    if scheme == "embedded":
        inbox = Path(place) / "inbox.db"
        if inbox.exists():
            size = sum(f.stat().st_size for f in Path(place).glob("*.db*"))
            yield Finding("log", True, f"{place} holds {size / 1e6:.0f} MB")
        else:
            yield Finding("log", False, f"{inbox} is not there",
                          "Start a collector once, or set FOOTFALL_LOG to the right directory.")  # fmt: skip
        return
    for server in place.split(","):
        yield _reachable("log", server, 9092)


def _reachable(part: str, server: str, port: int) -> Finding:
    at = urlsplit(f"//{server}")
    try:
        socket.create_connection((at.hostname or "localhost", at.port or port), timeout=5).close()
    except OSError as error:
        return Finding(part, False, f"{server} cannot be reached: {error}",
                       "Start it, or set its address right.")  # fmt: skip
    return Finding(part, True, f"{server} answers")


def _worker(settings: Settings) -> Iterator[Finding]:
    place = f"{settings.worker_host}:{settings.worker_port}"
    try:
        status = status_of(settings)
    except FootfallError as error:
        yield Finding("worker", False, str(error), "Look at its output; start it again.")
        return
    if status is None:
        yield Finding("worker", False, f"nothing answers on {place}",
                      "Start it: footfall up, or footfall worker. Events wait in the log.")  # fmt: skip
        return
    behind = max((lane["lag"] for lane in status["lanes"]), default=0)
    yield Finding("worker", status["ready"], f"{len(status['lanes'])} lanes, at most {behind} behind",
                  "" if status["ready"] else "It is loading state, or has no partition yet.")  # fmt: skip
    if behind > LAG_RECORDS:
        yield Finding("worker", False, f"a lane is {behind} records behind",
                      "Wait if it falls; else add a worker (Kafka), or look for retries.")  # fmt: skip
    yield _books(status["books"])


def _books(books: dict[str, int]) -> Finding:
    if not books:
        return Finding("books", False, "the warehouse does not answer", "See the warehouse below.")
    text = ("{accepted} accepted = {stored} stored + {deduplicated} deduplicated + {merged} merged + "
            "{rejected} rejected + {in_flight} in flight").format(**books)  # fmt: skip
    if books["difference"]:
        return Finding("books", False, f"{text}, but for {books['difference']}",
                       "Keep log and warehouse as they are and report it.")  # fmt: skip
    return Finding("books", True, text)


def _warehouse(settings: Settings) -> Finding:
    try:
        rows = ask(settings, sql.load("queries/engine")).rows
    except FootfallError as error:
        return Finding("warehouse", False, str(error),
                       "Start it, or set FOOTFALL_WAREHOUSE right; events wait in the log.")  # fmt: skip
    version, tables = rows[0]
    return Finding("warehouse", True, f"ClickHouse {version}, {tables} tables")


def _disk(settings: Settings) -> Iterator[Finding]:
    for url in dict.fromkeys((settings.log, settings.warehouse)):
        scheme, _, place = url.partition("://")
        if scheme not in ("embedded", "chdb"):
            continue
        path = next(
            p for p in (Path(place).resolve(), *Path(place).resolve().parents) if p.exists()
        )
        free = shutil.disk_usage(path).free
        advice = "" if free > FREE_BYTES else "Make room: collectors refuse events when it is full."
        yield Finding("disk", not advice, f"{free / 1e9:.1f} GB free for {place}", advice)
