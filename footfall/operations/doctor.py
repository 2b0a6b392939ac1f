"""The check-up: each part says how it is, and where it is ill, what to do."""

import shutil
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

import sql
from footfall.operations.finding import Finding, many
from footfall.operations.health_checks import failed_checks
from footfall.operations.warehouse_client import ask, status_of
from pipeline.clock import clock
from pipeline.errors import FootfallError
from pipeline.folder import folders
from pipeline.recovery.rebuild import NOTE
from pipeline.recovery.tick_check import TOLERANCE_MS, duration
from pipeline.settings import Settings
from schemas.logfile import INBOX
from schemas.store_urls import EmbeddedLog, KafkaLog, directories, log_url

LAG_RECORDS = 1_000
NEAR = 2
"""So many reserves free are worth a look."""
_SINCE = "since the collector started"


def examine(settings: Settings) -> list[Finding]:
    """All findings; never raises on what it finds. Settings were checked when they were read."""
    return [
        Finding("settings", True, "every value can be used"),
        *_collector(settings),
        *_log(settings),
        *_worker(settings),
        *_warehouse(settings),
        *_disk(settings),
        *rights(settings),
    ]


def _collector(settings: Settings) -> Iterator[Finding]:
    url = f"{settings.host}:{settings.port}"
    connection = HTTPConnection(settings.host, settings.port, timeout=5)
    try:
        status, body = _asked(connection, "/ready")
        metrics = _asked(connection, "/metrics")[1]
        reported = [*keys(metrics), *clocks(metrics, settings.clock)]
    except OSError as error:
        yield Finding(
            "collector",
            False,
            f"nothing answers on {url}: {_cause(error)}",
            "Start it: footfall up, or footfall collect.",
        )
        return
    except (HTTPException, ValueError):
        yield Finding(
            "collector",
            False,
            f"what answers on {url} is no collector",
            "Another program listens there: stop it, or set FOOTFALL_PORT.",
        )
        return
    finally:
        connection.close()
    if status == 200:
        yield Finding("collector", True, f"takes events on {url}")
    else:
        yield Finding(
            "collector",
            False,
            f"{url} answers {status}: {body.strip()}",
            "Look at the log below; clients keep events and try again.",
        )
    yield from reported


def _cause(error: OSError) -> str:
    """What people can read of it: without the number, and without a class's name."""
    return error.strerror or str(error) or "no answer in time"


def _asked(connection: HTTPConnection, path: str) -> tuple[int, str]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def keys(metrics: str) -> Iterator[Finding]:
    """What write keys were too weak for, by a collector's own count since it started."""
    for labels, count in _samples(metrics, "footfall_collector_withheld_events_total"):
        site, right = labels["site"], labels["right"]
        lost = f"lost what only a key with `{right}` may say"
        yield Finding(
            "keys",
            True,
            f"site {site}: {many(count, 'event')} {lost}, {_SINCE}",
            f"If its pages are to be believed, add {right} to the key in "
            "FOOTFALL_WRITE_KEYS, or send it from a server.",
        )
    for labels, count in _samples(metrics, "footfall_collector_limited_requests_total"):
        over = f"{many(count, 'request')} over its key's rate"
        yield Finding(
            "keys",
            True,
            f"site {labels['site']}: {over}, asked to come again, {_SINCE}",
            "Raise rate= of the key, or find who sends so much.",
        )


def clocks(metrics: str, pace: tuple[int, int, float] | None) -> Iterator[Finding]:
    """A collector whose clock is not this machine's, by its own metrics: it carries the log's time."""
    for _, seconds in _samples(metrics, "footfall_collector_clock_seconds"):
        apart = int(seconds * 1000) - clock(pace)()
        if abs(apart) > TOLERANCE_MS * max(1.0, pace[2] if pace else 1.0):
            selected = "ahead of" if apart > 0 else "behind"
            yield Finding(
                "clock",
                False,
                f"the collector's clock is {duration(abs(apart))} {selected} this machine's",
                "Set both right (NTP): ticks of a clock that is ahead are left out, and "
                "behind one that is slow, things are decided late.",
            )


def _samples(metrics: str, name: str) -> Iterator[tuple[dict[str, str], float]]:
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == name and sample.value:
                yield sample.labels, sample.value


def _log(settings: Settings) -> Iterator[Finding]:
    log = log_url(settings.log)
    if isinstance(log, EmbeddedLog):
        inbox = Path(log.directory) / INBOX
        if inbox.exists():
            yield _embedded_log(Path(log.directory))
        else:
            yield Finding(
                "log",
                False,
                f"{inbox} is not there",
                "Start a collector once, or set FOOTFALL_LOG to the right directory.",
            )
    for server in log.servers if isinstance(log, KafkaLog) else ():
        yield _reachable("log", server, 9092)


def _embedded_log(folder: Path) -> Finding:
    from pipeline.engine.transports.embedded_file import check_folder

    try:
        check_folder(folder)
    except FootfallError as error:
        return Finding("log", False, str(error), "Nothing is taken or folded until then.")
    if (folder / NOTE).exists():
        return Finding(
            "log",
            False,
            "a rebuild has not ended, and no worker starts before",
            "Go on with it: footfall rebuild --yes",
        )
    size = sum(f.stat().st_size for f in folder.glob("*.db*"))
    return Finding("log", True, f"{folder} holds {size / 1e6:.0f} MB")


def _reachable(part: str, server: str, port: int) -> Finding:
    at = urlsplit(f"//{server}")
    try:
        socket.create_connection((at.hostname or "localhost", at.port or port), timeout=5).close()
    except OSError as error:
        return Finding(
            part,
            False,
            f"{server} cannot be reached: {_cause(error)}",
            "Start it, or set its address right.",
        )
    return Finding(part, True, f"{server} answers")


def _worker(settings: Settings) -> Iterator[Finding]:
    url = f"{settings.worker_host}:{settings.worker_port}"
    try:
        status = status_of(settings)
    except FootfallError as error:
        yield Finding("worker", False, str(error), "Look at its output; start it again.")
        return
    if status is None:
        yield Finding(
            "worker",
            False,
            f"nothing answers on {url}",
            "Start it: footfall up, or footfall worker. Events wait in the log.",
        )
        return
    yield from _progress(status["lanes"], status["ready"])
    for alarm in status["alarms"]:
        yield Finding(alarm["part"], False, alarm["text"], alarm["advice"])
    yield books(status["books"])


def _progress(lanes: list[dict[str, Any]], ready: bool) -> Iterator[Finding]:
    partitions = many(len({lane["partition"] for lane in lanes}), "partition")
    slowest = max(lanes, key=lambda lane: int(lane["lag"]), default={"lag": 0})
    behind = many(slowest["lag"], "record")
    yield Finding(
        "worker",
        ready,
        f"{partitions}, at most {behind} behind",
        "" if ready else "It is loading state, or has no partition yet.",
    )
    if slowest["lag"] > LAG_RECORDS:
        where = f"{slowest['stage']} of partition {slowest['partition']}"
        yield Finding(
            "worker",
            False,
            f"{where} is {behind} behind",
            "Wait if it falls; else add a worker (Kafka), or look for retries.",
        )


def books(entries: dict[str, int]) -> Finding:
    """`entries` as the worker tells them; none where log or warehouse is away."""
    if not entries:
        return Finding("books", False, "the warehouse does not answer", "See the warehouse below.")
    text = (
        "{received:,} received = {stored:,} stored + {repeats:,} repeats + {merged:,} merged + "
        "{rejected:,} rejected + {in_flight:,} in flight"
    ).format(**entries)
    lost = entries["difference"]
    if lost > 0:
        return Finding(
            "books",
            False,
            f"{text}, but for {lost:,} lost from the warehouse",
            "Put the warehouse back from a copy, or run `footfall rebuild`.",
        )
    if lost:
        return Finding(
            "books",
            False,
            f"{text}, but for {lost:,}",
            "Keep log and warehouse as they are and report it.",
        )
    return Finding("books", True, text)


def _warehouse(settings: Settings) -> Iterator[Finding]:
    try:
        ((version, tables),) = ask(settings, sql.load("queries/engine")).rows
        yield Finding("warehouse", True, f"ClickHouse {version}, {many(int(tables), 'table')}")
        yield from failed_checks(settings)
    except FootfallError as error:
        yield Finding(
            "warehouse",
            False,
            str(error),
            "Start it, or set FOOTFALL_WAREHOUSE right; events wait in the log.",
        )


def _disk(settings: Settings) -> Iterator[Finding]:
    for directory in dict.fromkeys(directories(settings.log, settings.warehouse)):
        folder = Path(directory).resolve()
        path = next(p for p in (folder, *folder.parents) if p.exists())
        free = shutil.disk_usage(path).free
        reserve = settings.disk_reserve_bytes
        advice = (
            ""
            if free >= NEAR * reserve
            else (
                f"Make room: below {reserve / 1e9:.1f} GB (FOOTFALL_DISK_RESERVE) collectors take nothing "
                "and nothing is stored."
            )
        )
        yield Finding("disk", free >= reserve, f"{free / 1e9:.1f} GB free for {directory}", advice)


def rights(settings: Settings) -> Iterator[Finding]:
    """Folders that others may read: made before they were their owner's alone, or opened on purpose."""
    for folder in folders(settings):
        if folder.is_dir() and folder.stat().st_mode & 0o077:
            yield Finding(
                "disk",
                True,
                f"{folder} may be read by other users of this machine",
                f"chmod -R go= {folder}, unless they are meant to.",
            )
