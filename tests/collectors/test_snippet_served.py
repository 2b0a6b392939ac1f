"""The snippet's own path: how the script travels, and who a device is told to be."""

from collections.abc import Callable

import pytest

from collectors import snippet
from collectors.snippet.served import Answer, Served
from schemas.time_units import DAY_MS
from tests.collectors.test_endpoint import EVENT, Collector

OWN = {b"sec-fetch-site": b"same-site", b"sec-fetch-dest": b"empty"}
NEW, KNOWN = "a-new-device", "a-known-device"


def served(clock: Callable[[], int] = lambda: 0) -> Served:
    """At /tea.js, with another known salt each day."""
    salts = (bytes([number]) * 32 for number in range(100))
    return Served("/tea.js", clock, lambda: next(salts))


def ask(query: str, headers: dict[bytes, bytes] | None = None, peer: str = "203.0.113.9") -> Answer:
    return served().answer(query, headers or {}, peer)


def cookie(answer: Answer) -> str:
    return dict(answer.headers).get(b"set-cookie", b"").decode()


def test_browsers_that_take_gzip_get_it() -> None:
    plain, packed = ask("v=1"), ask("", {b"accept-encoding": b"gzip, br"})
    assert plain.body == snippet.script()
    assert packed.body == snippet.gzipped()
    assert dict(packed.headers)[b"content-encoding"] == b"gzip"
    assert dict(plain.headers)[b"vary"] == b"accept-encoding"


def test_a_new_device_of_the_own_site_keeps_the_id_it_offers() -> None:
    answer = ask(f"id={NEW}", OWN)
    assert (answer.status, answer.body) == (200, NEW.encode())
    assert cookie(answer) == (
        f"ff_id={NEW}; Path=/tea.js; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"
    )


def test_a_cookie_says_more_than_an_offer_and_is_renewed() -> None:
    answer = ask(f"id={NEW}", {**OWN, b"cookie": f"x=1; ff_id={KNOWN}; y=2".encode()})
    assert answer.body == KNOWN.encode()
    assert cookie(answer).startswith(f"ff_id={KNOWN};")


def test_a_reset_replaces_the_cookie_and_no_id_takes_it_away() -> None:
    known = {**OWN, b"cookie": f"ff_id={KNOWN}".encode()}
    assert cookie(ask(f"set={NEW}", known)).startswith(f"ff_id={NEW};")
    assert "Max-Age=0;" in cookie(ask("set=", known))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"sec-fetch-site": b"cross-site", b"sec-fetch-dest": b"empty"},
        {b"sec-fetch-site": b"none", b"sec-fetch-dest": b"document"},
        {b"sec-fetch-site": b"same-site", b"sec-fetch-dest": b"image"},
    ],
)
@pytest.mark.parametrize("query", [f"id={NEW}", f"set={NEW}", "set="])
def test_nobody_else_sets_learns_or_removes_it(query: str, headers: dict[bytes, bytes]) -> None:
    answer = ask(query, {**headers, b"cookie": f"ff_id={KNOWN}".encode()})
    assert (answer.status, answer.body, cookie(answer)) == (204, b"", "")


@pytest.mark.parametrize(
    "device", ["short", "x" * 65, "a%0d%0aset-cookie:b=c", "a%3B Domain=x", "é" * 9]
)
def test_what_is_no_id_never_reaches_a_header(device: str) -> None:
    for query in (f"id={device}", f"set={device}"):
        assert ask(query, OWN).status == 204


def test_a_query_of_many_fields_gets_the_script() -> None:
    assert ask("&".join(f"a{n}=1" for n in range(100)), OWN).body == snippet.script()


def test_a_daily_id_is_the_same_all_day_and_another_tomorrow() -> None:
    now = [0]
    desk = served(lambda: now[0])
    headers = {b"user-agent": b"Firefox", b"origin": b"https://shop.example"}
    morning = desk.answer("daily=", headers, "203.0.113.9")
    now[0] = DAY_MS - 1
    assert desk.answer("daily=", headers, "203.0.113.9") == morning
    now[0] = DAY_MS
    assert desk.answer("daily=", headers, "203.0.113.9").body != morning.body
    assert cookie(morning) == ""


def test_daily_ids_tell_addresses_browsers_and_sites_apart() -> None:
    desk = served()
    seen = {
        desk.answer("daily=", {b"user-agent": agent, b"origin": origin}, peer).body
        for agent in (b"Firefox", b"Safari")
        for origin in (b"https://a.example", b"https://b.example")
        for peer in ("203.0.113.9", "203.0.113.10")
    }
    assert len(seen) == 8


def test_daily_ids_are_made_of_the_address_that_counts_everywhere_else() -> None:
    collector = Collector()

    forwarded = ("203.0.113.9:1234", "6.6.6.6, 203.0.113.9:5678", "203.0.113.10")
    asked = [("GET", f"{snippet.PATH}?daily=", b"", {"x-forwarded-for": one}) for one in forwarded]
    first, same, other = (answer.body for answer in collector.calls(*asked))
    assert first == same != other


def test_events_sent_to_the_snippets_path_are_taken() -> None:
    collector = Collector()
    body = b'{"batch":[%s]}' % EVENT
    assert collector.call("POST", f"{snippet.PATH}?writeKey=k", body).status == 200
    assert [one.event for one in collector.writer.events()] == ["Seen"]


def test_a_page_of_the_same_site_may_read_its_id() -> None:
    headers = {
        **{name.decode(): value.decode() for name, value in OWN.items()},
        "origin": "https://shop.example",
    }
    answer = Collector().call("GET", f"{snippet.PATH}?id={NEW}", headers=headers)
    assert answer.body == NEW.encode()
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("OPTIONS", 204), ("PUT", 405)])
def test_other_methods(method: str, status: int) -> None:
    answer = Collector().call(method, snippet.PATH)
    assert (answer.status, answer.body if method == "HEAD" else b"") == (status, b"")
