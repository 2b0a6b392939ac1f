"""Access logs: which lines are pages, when, whose; nothing that names a visitor is kept."""

import gzip
import json
from pathlib import Path
from time import process_time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.errors import FileError, MappingError
from collectors.importing import accesslog, mapping
from collectors.importing.mapping import Mapping
from schemas.events import Event
from schemas.rejects import Reason
from schemas.rows import EventRow
from tests.collectors.importing.test_run import Log, imported
from tests.pipeline.stages.visits.site import Site

HOW = mapping.parse("""
kind = "access_log"
site = "shop"
salt = "sixteen letters or more"
base = "https://shop.example/"
skip = ["/api/"]
""")
AT = 1_795_251_600_000
"""2026-11-21T09:00:00Z."""
IP = "203.0.113.9"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def line(
    target: str = "/tea",
    *,
    ip: str = IP,
    time: str = "21/Nov/2026:09:00:00 +0000",
    method: str = "GET",
    status: int = 200,
    referrer: str = "-",
    agent: str = FIREFOX,
    user: str = "-",
) -> str:
    request = f"{method} {target} HTTP/1.1"
    return f'{ip} - {user} [{time}] "{request}" {status} 5120 "{referrer}" "{agent}"'


def read(folder: Path, *lines: str, how: Mapping = HOW, name: str = "access.log") -> Log:
    path = folder / name
    path.write_bytes(("\n".join(lines) + "\n").encode())
    return imported(path, how)[1]


def only(folder: Path, *lines: str, how: Mapping = HOW) -> Event:
    log = read(folder, *lines, how=how)
    assert log.rejects == []
    (event,) = log.events
    return event


def test_a_page_request_is_a_page_view(tmp_path: Path) -> None:
    event = only(tmp_path, line("/tea/green?utm_source=news", referrer="https://a.example/x"))
    assert (event.type, event.site, event.path) == ("page", "shop", "/tea/green")
    assert event.url == "https://shop.example/tea/green?utm_source=news"
    assert (event.referrer, event.time, event.device_class) == (
        "https://a.example/x",
        AT,
        "desktop",
    )
    assert event.anonymous_id.startswith("log-")
    assert event.identifiers == ()


@pytest.mark.parametrize(
    "written",
    [
        line("/style.css"),
        line("/img/a.PNG?v=2"),
        line("/app.js"),
        line("/robots.txt"),
        line("/feed.xml"),
        line(method="POST"),
        line(method="HEAD"),
        line(status=404),
        line(status=500),
        line(status=101),
        line("/api/cart"),
        line("*", method="OPTIONS"),
        line("http://proxy.example/"),
    ],
)
def test_anything_else_is_no_page_view_and_no_fault(tmp_path: Path, written: str) -> None:
    log = read(tmp_path, written)
    assert (log.events, log.rejects) == ([], [])


@pytest.mark.parametrize(
    ("status", "target"),
    [(200, "/"), (204, "/a.b/c"), (302, "/old"), (304, "/tea"), (399, "/v1.2")],
)
def test_answers_from_200_to_399_are_page_views(tmp_path: Path, status: int, target: str) -> None:
    assert only(tmp_path, line(target, status=status)).path == target


@pytest.mark.parametrize(
    "time",
    [
        "21/Nov/2026:09:00:00 +0000",
        "21/Nov/2026:14:30:00 +0530",
        "20/Nov/2026:23:00:00 -1000",
        "2026-11-21T10:00:00+01:00",
        "1795251600.000",
    ],
)
def test_the_same_moment_in_any_zone_is_the_same_time(tmp_path: Path, time: str) -> None:
    assert only(tmp_path, line(time=time)).time == AT


def test_a_time_that_is_none_is_refused_with_its_reason(tmp_path: Path) -> None:
    log = read(
        tmp_path, line(time="31/Feb/2026:09:00:00 +0000"), line(time="01/Xxx/2026:09:00:00 +0000")
    )
    assert [one.reason for one in log.rejects] == [Reason.TIME_OUT_OF_RANGE] * 2


@pytest.mark.parametrize(
    ("agent", "device"), [(FIREFOX, "desktop"), (IPHONE, "mobile"), (CRAWLER, "bot"), ("-", "")]
)
def test_the_agent_tells_devices_and_bots(tmp_path: Path, agent: str, device: str) -> None:
    assert only(tmp_path, line(agent=agent)).device_class == device


def test_of_address_and_agent_only_the_network_is_kept_even_of_bad_lines(tmp_path: Path) -> None:
    broken = [
        f"{IP} what is this",
        "2001:db8::7 - broken",
        "::1 x",
        f'{{"remote_addr":"{IP}"}}',
        "{",
    ]
    log = read(
        tmp_path,
        line(user="frank"),
        line(ip="2001:db8::7"),
        *broken,
        line(time="31/Feb/2026:09:00:00 +0000"),
    )
    assert len(log.events) == 2
    assert len(log.rejects) == len(broken) + 1
    kept = b"".join(msgspec.json.encode(one) for one in log.events)
    kept += b"".join(
        one.body + one.detail.encode() for one in log.rejects if one.path != "/v1/batch"
    )
    kept += b"".join(one.body for one in log.rejects)
    for secret in (IP, "2001:db8::7", "::1", "frank", "rv:130"):
        assert secret.encode() not in kept.replace(FIREFOX.encode(), b""), secret


def test_a_visitor_is_the_same_within_a_day_and_another_on_the_next(tmp_path: Path) -> None:
    log = read(
        tmp_path,
        line("/a"),
        line("/b", time="21/Nov/2026:23:59:59 +0000"),
        line("/c", time="22/Nov/2026:00:00:00 +0000"),
        line("/d", ip="203.0.113.8"),
        line("/e", agent=IPHONE),
        line("/f", time="22/Nov/2026:01:00:00 +0200"),
    )
    a, b, c, d, e, f = (event.anonymous_id for event in log.events)
    assert a == b == f
    assert len({a, c, d, e}) == 4


def test_another_salt_gives_others(tmp_path: Path) -> None:
    other = msgspec.structs.replace(HOW, salt="another sixteen letters")
    assert only(tmp_path, line()).anonymous_id != only(tmp_path, line(), how=other).anonymous_id


def test_importing_twice_and_a_grown_or_rotated_file_change_nothing(tmp_path: Path) -> None:
    lines = [line("/a"), line("/a"), line("/b"), line("/c")]
    first = read(tmp_path, *lines)
    again = imported(tmp_path / "access.log", HOW)[1]
    assert again.events == first.events
    grown = read(tmp_path, *lines, line("/d"))
    names = [event.message_id for event in first.events]
    assert [event.message_id for event in grown.events][:4] == names
    assert len(set(names)) == 4
    rotated = tmp_path / "access.log.1.gz"
    rotated.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    assert [event.message_id for event in imported(rotated, HOW)[1].events] == names
    site = Site().take(*first.events).take(*again.events).take(*grown.events)
    assert len(site.rows(EventRow)) == 5


def test_every_line_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(
        "\n".join([line("/a.css"), line("/a"), line("/b.js"), "odd", "", line("/c.js")]) + "\n"
    )
    summary, log = imported(path, HOW)
    assert (summary.lines, summary.events, dict(summary.rejects)) == (5, 1, {"bad_shape": 1})
    assert len(log.events) == 1


def test_a_file_that_is_no_access_log_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="first 1,000 lines"):
        read(tmp_path, *["order,total"] * 5_000)


def test_a_broken_gzip_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress(line().encode() * 100)[:-20])
    with pytest.raises(FileError):
        imported(path, HOW)


@pytest.mark.parametrize(
    "written",
    [
        f"shop.example:443 {line('/tea')}",
        line("/tea", user="frank o neill"),
        line("/tea") + ' "extra" 0.012',
        f'{IP} - - [21/Nov/2026:09:00:00 +0000] "GET /tea HTTP/1.1" 200 -',
        line("/tea", agent='odd \\"quoted\\" agent'),
        line("/tea", ip="2001:db8::7"),
    ],
)
def test_variants_of_the_format_are_read(tmp_path: Path, written: str) -> None:
    assert (only(tmp_path, written).path, only(tmp_path, written).time) == ("/tea", AT)


def test_a_virtual_host_before_the_address_changes_nobody(tmp_path: Path) -> None:
    event = only(tmp_path, f"shop.example:443 {line()}")
    assert event.anonymous_id == only(tmp_path, line()).anonymous_id


def test_escaped_text_is_itself_again(tmp_path: Path) -> None:
    event = only(
        tmp_path, line("/caf\\xC3\\xA9", referrer="https://a.example/\\x22\\xE2\\x98\\x95")
    )
    assert (event.path, event.referrer) == ("/café", 'https://a.example/"☕')


def _json_line(**fields: Any) -> str:
    return json.dumps(fields)


@pytest.mark.parametrize(
    "written",
    [
        _json_line(
            remote_addr=IP,
            time_iso8601="2026-11-21T09:00:00+00:00",
            request="GET /tea HTTP/2.0",
            status=200,
            http_referer="https://a.example/",
            http_user_agent=FIREFOX,
        ),
        _json_line(
            remote_addr=IP,
            msec="1795251600.000",
            request_method="GET",
            request_uri="/tea",
            status="200",
            http_referer="https://a.example/",
            http_user_agent=FIREFOX,
        ),
        _json_line(
            clientip=IP,
            timestamp="21/Nov/2026:10:00:00 +0100",
            method="GET",
            path="/tea",
            response=200,
            referrer="https://a.example/",
            agent=FIREFOX,
        ),
        _json_line(
            ts=1795251600.0,
            remote_ip=IP,
            method="GET",
            uri="/tea",
            status=200,
            referer="https://a.example/",
            user_agent=FIREFOX,
        ),
    ],
)
def test_json_lines_are_read_by_usual_keys(tmp_path: Path, written: str) -> None:
    event, plain = only(tmp_path, written), only(tmp_path, line(referrer="https://a.example/"))
    assert (event.path, event.time, event.referrer) == ("/tea", AT, "https://a.example/")
    assert (event.anonymous_id, event.device_class) == (plain.anonymous_id, "desktop")


def test_a_mapping_names_other_keys(tmp_path: Path) -> None:
    how = msgspec.structs.replace(HOW, columns={"ip": "who", "target": "what", "time": "when"})
    written = _json_line(who=IP, what="/tea", when=1795251600, status=200)
    assert only(tmp_path, written, how=how).path == "/tea"


@pytest.mark.parametrize(
    "text",
    [
        'kind = "access_log"\nsite = "shop"',
        'kind = "access_log"\nsite = "shop"\nsalt = "short"',
        'kind = "access_log"\nsite = "shop"\nsalt = "sixteen letters or more"\n[columns]\nemail = "x"',
    ],
)
def test_a_mapping_without_a_salt_or_with_unknown_fields_is_refused(text: str) -> None:
    with pytest.raises(MappingError):
        mapping.parse(text)


written_lines = st.text(st.characters(codec="utf-8")) | st.sampled_from(
    [line(), line("/a.css"), "{}"]
)


@given(st.lists(written_lines, max_size=8))
def test_whatever_stands_in_a_log_is_an_event_a_refusal_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("log") / "access.log"
    path.write_text("\n".join(lines), encoding="utf-8")
    summary, log = imported(path, HOW)
    assert summary.lines == sum(1 for one in path.read_bytes().split(b"\n") if one.strip())
    assert summary.events + sum(summary.rejects.values()) <= summary.lines
    assert all(event.type == "page" for event in log.events)


@given(st.integers(0, 4_000_000_000))
def test_moments_are_those_of_the_standard_library(second: int) -> None:
    from datetime import UTC, datetime

    shown = datetime.fromtimestamp(second, UTC)
    expected = second * 1000 if shown.year >= 2000 else None
    assert accesslog.moment(shown.strftime("%d/%b/%Y:%H:%M:%S +0000")) == expected


def test_a_log_is_read_quickly(tmp_path: Path) -> None:
    """CPU time, and a floor far below what was measured: a slow machine passes, a square fails."""
    lines = [
        line(
            f"/p/{n % 500}" + (".css" if n % 2 else ""),
            ip=f"203.0.113.{n % 250}",
            time=f"21/Nov/2026:09:{n // 60 % 60:02}:{n % 60:02} +0000",
        )
        for n in range(20_000)
    ]
    path = tmp_path / "access.log"
    path.write_text("\n".join(lines))
    began = process_time()
    summary, _ = imported(path, HOW)
    assert (summary.lines, summary.events) == (20_000, 10_000)
    assert 20_000 / (process_time() - began) > 4_000
