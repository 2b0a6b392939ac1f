"""A visit that a web server wrote down comes out as the same visit told by the snippet."""

import json
from pathlib import Path
from typing import Any

from collectors.admission import admit
from schemas.events import Event
from schemas.keys import browser_keys
from schemas.rows import OutcomeRow, SessionRow
from tests.collectors.importing.test_accesslog import AT, FIREFOX, HOW, line
from tests.collectors.importing.test_run import imported
from tests.collectors.requests import request
from tests.pipeline.stages.visits.site import Site, end_of_time

ORIGIN = "https://shop.example"
VISIT = (
    (0, "/", "https://www.google.com/"),
    (1, "/tea/1234?utm_source=news&utm_medium=email", f"{ORIGIN}/"),
    (3, "/cart", f"{ORIGIN}/tea/1234"),
    (4, "/cart", f"{ORIGIN}/cart"),
    (50, "/tea/77", "https://chatgpt.com/"),
    (51, "/checkout", f"{ORIGIN}/tea/77"),
)
"""Minute, target and referrer: two sessions."""


def by_snippet() -> list[Event]:
    views = [
        {
            "type": "page",
            "messageId": f"m{n}",
            "anonymousId": "device",
            "timestamp": AT + minute * 60_000,
            "context": {
                "page": {"url": ORIGIN + target, "path": target.split("?")[0], "referrer": referrer}
            },
        }
        for n, (minute, target, referrer) in enumerate(VISIT)
    ]
    told = request(
        "/v1/batch",
        json.dumps({"batch": views}).encode(),
        query="writeKey=k",
        headers={"user-agent": FIREFOX},
    )
    return admit(told, browser_keys("k:shop")).events


def by_log(folder: Path) -> list[Event]:
    times = (f"21/Nov/2026:09:{minute:02d}:00 +0000" for minute, _, _ in VISIT)
    lines = [
        line(target, time=time, referrer=referrer)
        for time, (_, target, referrer) in zip(times, VISIT, strict=True)
    ]
    path = folder / "access.log"
    path.write_text("\n".join([*lines, line("/style.css"), line("/", method="POST")]) + "\n")
    return imported(path, HOW)[1].events


def known(events: list[Event]) -> list[tuple[str, ...]]:
    return [
        (
            one.type,
            one.url,
            one.path,
            one.referrer,
            one.device_class,
            one.browser,
            one.os,
            one.campaign_source,
            one.campaign_medium,
            one.referrer_medium,
            one.referrer_source,
        )
        for one in events
    ]


def came_out(events: list[Event]) -> tuple[list[Any], list[Any]]:
    """Sessions and attempts at pages, as the warehouse gets them, without whose they are."""
    site = Site().take(*events, end_of_time(10_000_000))
    sessions = [
        tuple(row[name] for name in ("start", "end", "events", "pages", "entry_page", "exit_page"))
        for row in site.final(SessionRow)
    ]
    attempts = [(row["page"], row["time"], tuple(row["next"])) for row in site.final(OutcomeRow)]
    return sessions, attempts


def test_pages_and_what_is_known_of_the_visit_are_the_same(tmp_path: Path) -> None:
    assert known(by_log(tmp_path)) == known(by_snippet())


def test_sessions_and_attempts_are_the_same(tmp_path: Path) -> None:
    sessions, attempts = came_out(by_snippet())
    assert [row[2] for row in sessions] == [4, 2]
    assert [page for page, _, _ in attempts] == ["/", "/cart", "/checkout", "/tea/:id", "/tea/:id"]
    assert came_out(by_log(tmp_path)) == (sessions, attempts)
