"""The snippet, run in Node against a make-believe page; what it sends goes through admission.

`tests/browser` runs it in a real one.
"""

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from collectors import snippet
from schemas.events import Event
from tests.collectors.requests import sent

PAGE = Path(__file__).with_name("page.js")
GUIDE = (Path(__file__).parents[2] / "docs/put-it-on-your-site.md").read_text(encoding="utf-8")
node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node (Debian: nodejs)")


class Visit(NamedTuple):
    """What was sent, in order: {"by": "fetch" | "beacon" | "question", "url", "body"}."""

    sent: list[dict[str, Any]]
    kept: dict[str, Any]

    @property
    def deliveries(self) -> list[dict[str, Any]]:
        """What carried events."""
        return [one for one in self.sent if one["by"] != "question"]

    @property
    def questions(self) -> list[str]:
        """What the collector was asked."""
        return [one["url"].partition("?")[2] for one in self.sent if one["by"] == "question"]

    @property
    def unsent(self) -> bool:
        """Whether something is still kept for later."""
        return any(name.startswith("ff_queue") for name in self.kept)

    @property
    def events(self) -> list[Event]:
        """The deliveries as admission takes them."""
        return [event for one in self.deliveries for event in events(one)]


def visit(*steps: Any, script: str | None = None, **page: Any) -> Visit:
    """Load a page and take steps: ["call", …], ["wait", ms], ["leave"], ["hide"], ["answer", status]."""
    told = json.dumps({"script": script or snippet.script().decode(), "steps": steps, **page})
    done = subprocess.run(
        ["node", str(PAGE)], input=told, capture_output=True, text=True, timeout=30, check=True
    )
    return Visit(**json.loads(done.stdout))


def events(delivery: dict[str, Any]) -> list[Event]:
    """What admission makes of one delivery."""
    path, _, query = delivery["url"].removeprefix("https://collect.example").partition("?")
    assert path == snippet.PATH
    admitted = sent(snippet.EVENTS, delivery["body"].encode(), query=query)
    assert admitted.rejects == []
    return admitted.events


def test_it_is_within_three_kilobytes_as_browsers_get_it() -> None:
    assert len(snippet.gzipped()) <= 3_072
    assert gzip.decompress(snippet.gzipped()) == snippet.script()


def test_the_tag_is_quoted() -> None:
    assert snippet.tag("https://a.example/f.js", 'k"3&y') == (
        '<script async src="https://a.example/f.js" data-key="k&quot;3&amp;y"></script>'
    )
    assert snippet.tag("https://a.example/f.js", "") == (
        '<script async src="https://a.example/f.js"></script>'
    )


@node
def test_a_visit_is_counted_by_itself() -> None:
    (page,) = visit(["wait", 300]).events
    assert (page.type, page.path, page.title) == ("page", "/cup", "A cup ☕")
    assert page.referrer == "https://search.example/"
    assert page.url == "https://shop.example/cup?a=1"
    assert len(page.anonymous_id) >= 20
    assert not page.opt_out


@node
def test_the_source_does_what_the_served_script_does() -> None:
    steps = (["call", "track", "A"], ["call", "reset"], ["wait", 300], ["call", "page"], ["leave"])
    written, served = (visit(*steps, script=s).events for s in (snippet.source(), None))
    assert [(e.type, e.event, e.url) for e in written] == [(e.type, e.event, e.url) for e in served]


@node
def test_the_key_is_in_the_query_as_beacons_have_no_headers() -> None:
    (delivery,) = visit(["wait", 300]).deliveries
    assert delivery["url"] == "https://collect.example/footfall.js?writeKey=a%20key"


@node
def test_automatic_pages_can_be_turned_off() -> None:
    assert visit(["wait", 300], data={"auto": "off"}).deliveries == []


@node
def test_calls_made_before_it_loaded_are_kept_and_unknown_ones_harm_nothing() -> None:
    taken = visit(["wait", 300], queued=[["nonsense"], ["track", "Early", {"n": 1}]]).events
    assert [one.event for one in taken if one.type == "track"] == ["Early"]


@node
def test_an_identified_visitor_stays_identified_until_reset() -> None:
    page, identify, a, reset, b = visit(
        ["wait", 300],
        ["call", "identify", "user-42", {"email": "Zoe@example.com"}],
        ["call", "track", "A"],
        ["call", "reset"],
        ["call", "track", "B"],
        ["wait", 300],
    ).events
    assert identify.identifiers == ("user_id:user-42", "email:zoe@example.com")
    assert a.identifiers == ("user_id:user-42",)
    assert b.identifiers == ()
    assert page.anonymous_id == identify.anonymous_id == a.anonymous_id == reset.anonymous_id
    assert b.anonymous_id != a.anonymous_id
    assert len({page.message_id, identify.message_id, a.message_id, reset.message_id}) == 4


@node
def test_traits_without_a_user_and_aliases_are_what_segment_has() -> None:
    _, identify, alias = visit(
        ["call", "identify", {"email": "zoe@example.com"}],
        ["call", "alias", "user-42", "old-1"],
        ["wait", 300],
    ).events
    assert identify.identifiers == ("email:zoe@example.com",)
    assert (alias.identifiers, alias.previous_id) == (("user_id:user-42",), "user_id:old-1")


@node
@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("productViewed", "Product Viewed"),
        ("productListViewed", "Product List Viewed"),
        ("checkoutStarted", "Checkout Started"),
        ("paymentInfoEntered", "Payment Info Entered"),
    ],
)
def test_shop_events_have_segments_names(call: str, name: str) -> None:
    _, tracked = visit(["call", call, {"product_id": "tea-1"}], ["wait", 300]).events
    assert (tracked.type, tracked.event) == ("track", name)
    assert json.loads(bytes(tracked.properties)) == {"product_id": "tea-1"}


def test_the_guide_names_the_shop_calls_and_the_stub_there_are() -> None:
    listed = re.search(r"const COMMERCE =(.*?);", snippet.source(), re.DOTALL)
    assert listed
    events = "".join(re.findall(r'"(.*?)"', listed[1])).split(",")
    calls = {(event[0].lower() + event[1:]).replace(" ", "") for event in events}
    assert calls == set(re.findall(r"`((?:product|cart|checkout|payment|order)\w+)`", GUIDE))
    assert snippet.STUB in GUIDE


@node
def test_seconds_are_told_to_the_millisecond() -> None:
    left = visit(["wait", 5_019.5999999996275], ["leave"])
    assert json.loads(bytes(left.events[-1].properties)) == {"seconds": 5.02}


@node
def test_leaving_the_page_sends_what_waits_as_a_beacon_and_keeps_it() -> None:
    left = visit(["call", "track", "Last"], ["wait", 1_200], ["call", "track", "More"], ["leave"])
    assert [one["by"] for one in left.deliveries] == ["fetch", "beacon"]
    assert [one.event for one in left.events] == ["", "Last", "More", "Page Engaged"]
    again = visit(["wait", 300], kept=left.kept)
    assert [one.event for one in again.events] == ["", "More", "Page Engaged"]
    assert {one.message_id for one in again.events[1:]} == {e.message_id for e in left.events[2:]}
    assert left.unsent
    assert not again.unsent


@node
def test_a_hidden_page_does_not_wait_for_its_batch_to_fill() -> None:
    shown = visit(["wait", 300], ["call", "track", "A"], ["hide"])
    assert [[one.event for one in events(each)] for each in shown.deliveries] == [[""], ["A"]]


@node
def test_nothing_that_is_on_its_way_goes_out_twice() -> None:
    shown = visit(["wait", 300], ["call", "track", "A"], ["leave"], ["hide"])
    assert len(shown.events) == len({one.message_id for one in shown.events}) == 2


@node
@pytest.mark.parametrize("trouble", [503, 500, 429, 408, "offline"])
def test_what_was_not_taken_is_sent_again_with_the_same_ids(trouble: int | str) -> None:
    first, again = visit(
        ["answer", trouble], ["wait", 300], ["answer", 200], ["wait", 2_500]
    ).deliveries
    assert [one.message_id for one in events(first)] == [one.message_id for one in events(again)]


@node
def test_retries_get_rarer() -> None:
    tried = len(visit(["answer", 503], ["wait", 300_000]).deliveries)
    assert 6 <= tried <= 12  # after 1, 2, 4, … 60 seconds, or up to twice that


@node
def test_a_network_that_is_back_is_not_waited_for() -> None:
    cut = (["answer", "offline"], ["wait", 90_000], ["answer", 200])
    unsent = [visit(*cut, *online, ["wait", 1]).unsent for online in ([["online"]], [])]
    assert unsent == [False, True]


@node
def test_a_final_refusal_is_not_sent_again() -> None:
    assert len(visit(["answer", 401], ["wait", 300], ["wait", 70_000]).deliveries) == 1


@node
def test_much_is_sent_in_batches_that_a_beacon_can_carry() -> None:
    calls = [["call", "track", "Big", {"text": "☕" * 5_000}] for _ in range(20)]
    left = visit(["wait", 300], *calls, ["leave"])
    assert max(len(one["body"].encode()) for one in left.deliveries) < 65_536
    assert len(left.events) == 21


@node
def test_a_bounded_number_is_kept() -> None:
    calls = [["call", "track", str(n)] for n in range(600)]
    left = visit(["answer", "offline"], *calls, ["wait", 300], ["answer", 200], ["wait", 90_000])
    told = {one.event for one in left.events}
    assert len(told) == 500
    assert "599" in told


@node
def test_a_returning_visitor_is_the_same_device_and_asks_nothing_for_a_day() -> None:
    known = {"ff_id": "known-device", "ff_asked": "9999999999999"}
    back = visit(["wait", 300], kept=known)
    assert back.events[0].anonymous_id == "known-device"
    assert back.questions == []


@node
def test_the_collectors_cookie_says_who_a_new_visitor_is() -> None:
    known = visit(["wait", 300], id="from-the-cookie")
    assert known.events[0].anonymous_id == known.kept["ff_id"] == "from-the-cookie"


@node
@pytest.mark.parametrize("nonsense", ["<!doctype html>", "short", "x" * 65])
def test_what_is_no_id_is_not_taken_for_one(nonsense: str) -> None:
    assert visit(["wait", 300], id=nonsense).events[0].anonymous_id != nonsense


@node
def test_pending_consent_asks_sends_and_keeps_nothing() -> None:
    pending = visit(["wait", 5_000], ["leave"], data={"consent": "pending"})
    assert pending == Visit([], {})


@node
def test_early_consent_counts_from_the_start() -> None:
    denied = visit(["wait", 5_000], ["leave"], queued=[["consent", "denied"]])
    assert denied.sent == []
    granted = visit(["wait", 300], queued=[["consent", "granted"]], data={"consent": "pending"})
    assert [one.type for one in granted.events] == ["page"]


@node
def test_global_privacy_control_opts_out() -> None:
    (page,) = visit(["wait", 300], gpc=True).events
    assert page.opt_out
