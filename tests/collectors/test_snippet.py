"""The snippet, run in Node against a make-believe page; what it sends goes through admission."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from collectors import snippet
from schemas.events import Event
from tests.collectors.requests import sent

PAGE = Path(__file__).with_name("page.js")
node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node (Debian: nodejs)")


def visit(*steps: Any, **page: Any) -> list[dict[str, Any]]:
    """Load a page and take steps: ["call", …], ["wait", ms], ["leave"], ["answer", status].

    Returns what was sent, in order: {"by": "fetch" | "beacon", "url", "body"}.
    """
    told = json.dumps({"script": snippet.script().decode(), "steps": steps, **page})
    done = subprocess.run(
        ["node", str(PAGE)], input=told, capture_output=True, text=True, timeout=30, check=True
    )
    outcome: list[dict[str, Any]] = json.loads(done.stdout)
    return outcome


def events(deliveries: list[dict[str, Any]]) -> list[Event]:
    """The deliveries as admission takes them."""
    taken: list[Event] = []
    for delivery in deliveries:
        path, _, query = delivery["url"].removeprefix("https://collect.example").partition("?")
        admitted = sent(path, delivery["body"].encode(), query=query)
        assert admitted.rejects == []
        taken += admitted.events
    return taken


def test_it_is_small_and_served_without_comments() -> None:
    script = snippet.script()
    assert len(script) < 6_000
    assert b"/*" not in script
    assert b" // " not in script


@node
def test_a_visit_is_counted_by_itself() -> None:
    (page,) = events(visit(["wait", 300]))
    assert (page.type, page.path, page.title) == ("page", "/cup", "A cup ☕")
    assert page.referrer == "https://search.example/"
    assert len(page.anonymous_id) == 36
    assert not page.opt_out


@node
def test_the_key_is_in_the_query_as_beacons_have_no_headers() -> None:
    (delivery,) = visit(["wait", 300])
    assert delivery["url"] == "https://collect.example/v1/batch?writeKey=a%20key"


@node
def test_automatic_pages_can_be_turned_off() -> None:
    assert visit(["wait", 300], auto="off") == []


@node
def test_calls_made_before_it_loaded_are_kept() -> None:
    taken = events(visit(["wait", 300], queued=[["track", "Early", {"n": 1}]]))
    assert [one.event for one in taken if one.type == "track"] == ["Early"]


@node
def test_an_identified_visitor_stays_identified_until_reset() -> None:
    taken = events(
        visit(
            ["call", "identify", "user-42", {"email": "Zoe@example.com"}],
            ["call", "track", "A"],
            ["call", "reset"],
            ["call", "track", "B"],
            ["wait", 300],
        )
    )
    page, identify, a, reset, b = taken
    assert identify.identifiers == ("user_id:user-42", "email:zoe@example.com")
    assert a.identifiers == ("user_id:user-42",)
    assert b.identifiers == ()
    assert page.anonymous_id == identify.anonymous_id == a.anonymous_id == reset.anonymous_id
    assert b.anonymous_id != a.anonymous_id
    assert len({one.message_id for one in taken}) == 5


@node
def test_leaving_the_page_sends_what_waits_as_a_beacon() -> None:
    deliveries = visit(["call", "track", "Last"], ["leave"])
    assert [one["by"] for one in deliveries] == ["beacon"]
    assert [one.event for one in events(deliveries)] == ["", "Last"]


@node
def test_a_503_is_sent_again_with_the_same_ids() -> None:
    first, again = visit(["answer", 503], ["wait", 300], ["answer", 200], ["wait", 1_500])
    assert [one.message_id for one in events([first])] == [
        one.message_id for one in events([again])
    ]


@node
def test_a_final_refusal_is_not_sent_again() -> None:
    assert len(visit(["answer", 401], ["wait", 300], ["wait", 70_000])) == 1


@node
def test_much_is_sent_in_batches_that_a_beacon_can_carry() -> None:
    calls = [["call", "track", "Big", {"text": "☕" * 5_000}] for _ in range(20)]
    deliveries = visit(*calls, ["leave"])
    assert max(len(one["body"].encode()) for one in deliveries) < 65_536
    assert len(events(deliveries)) == 21


@node
def test_without_storage_it_still_works() -> None:
    assert len(events(visit(["wait", 300], storage=False))) == 1


@node
def test_a_returning_visitor_is_the_same_device() -> None:
    (page,) = events(visit(["wait", 300], cookie="x=1; ff_device=known; y=2"))
    assert page.anonymous_id == "known"


@node
def test_global_privacy_control_opts_out() -> None:
    (page,) = events(visit(["wait", 300], gpc=True))
    assert page.opt_out
