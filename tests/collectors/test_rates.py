"""A key that sends too much waits; over time it gets its rate, and others lose nothing."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.admission import admit
from collectors.rates import (
    ADDRESS_PART,
    BURST_SECONDS,
    LONGEST_WAIT,
    Limited,
    Rates,
    visitor_of,
)
from schemas.keys import OPEN, WriteKey, browser_keys
from tests.collectors.requests import basic, request
from tests.collectors.test_endpoint import Collector

KEY = WriteKey("shop", rate=10)
FULL = KEY.rate * BURST_SECONDS


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_quiet_key_may_send_a_burst_and_then_waits() -> None:
    rates = Rates(Clock())
    for _ in range(FULL):
        rates.pay("k", KEY, 1)
    with pytest.raises(Limited) as limited:
        rates.pay("k", KEY, 1)
    assert (limited.value.site, limited.value.seconds) == ("shop", 1)


def test_the_wait_that_is_told_is_enough() -> None:
    clock = Clock()
    rates = Rates(clock)
    rates.pay("k", KEY, FULL + 25)
    with pytest.raises(Limited) as limited:
        rates.check("k", KEY)
    clock.now += limited.value.seconds
    rates.check("k", KEY)


def test_a_debt_however_large_is_waited_for_in_steps_that_senders_keep() -> None:
    rates = Rates(Clock())
    rates.pay("k", KEY, 10**6)
    with pytest.raises(Limited) as limited:
        rates.check("k", KEY)
    assert limited.value.seconds == LONGEST_WAIT


def test_an_empty_request_is_not_free() -> None:
    rates = Rates(Clock())
    for _ in range(FULL):
        rates.pay("k", KEY, 0)
    with pytest.raises(Limited):
        rates.check("k", KEY)


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 40)), max_size=200))
def test_nobody_exceeds_burst_and_rate_by_more_than_one_request(
    sends: list[tuple[float, int]],
) -> None:
    clock = Clock()
    rates, taken = Rates(clock), 0
    for pause, events in sends:
        clock.now += pause
        try:
            rates.pay("k", KEY, events)
        except Limited:
            continue
        taken += events
    assert taken <= FULL + clock.now * KEY.rate + 40


def test_one_address_uses_a_part_of_a_pages_key_and_leaves_the_rest_to_others() -> None:
    rates = Rates(Clock())
    for _ in range(FULL // ADDRESS_PART):
        rates.pay("k", KEY, 1, "93.184.216.7")
    with pytest.raises(Limited):
        rates.check("k", KEY, "93.184.216.7")
    rates.check("k", KEY, "93.184.216.8")


def test_an_address_that_was_refused_pays_nothing_from_its_key() -> None:
    rates = Rates(Clock())
    for _ in range(10 * FULL):
        with suppress(Limited):
            rates.pay("k", KEY, 1, "93.184.216.7")
    for _ in range(FULL - FULL // ADDRESS_PART):
        rates.pay("k", KEY, 1)


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "::1", "", "unix", "fd00::1"])
def test_a_proxy_that_names_nobody_is_not_taken_for_a_visitor(address: str) -> None:
    assert visitor_of(address) == ""
    rates = Rates(Clock())
    rates.pay("k", KEY, FULL - 1, address)
    rates.check("k", KEY, address)


def test_a_servers_key_has_one_address_and_all_of_its_rate() -> None:
    rates, key = Rates(Clock()), KEY._replace(server=True)
    rates.pay("s", key, FULL - 1, "93.184.216.7")
    rates.check("s", key, "93.184.216.7")


def test_an_ipv6_visitor_is_a_network() -> None:
    assert visitor_of("2a02:8388::1") == visitor_of("2a02:8388::ffff:1") == "2a02:8388::/64"
    assert visitor_of("2a02:8388:0:1::1") != visitor_of("2a02:8388::1")


def test_addresses_are_forgotten_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.rates.MAX_ADDRESSES", 10)
    rates, key = Rates(Clock()), KEY._replace(rate=10**6)
    for number in range(1, 100):
        rates.pay("k", key, 1, f"93.184.216.{number}")
    assert len(rates._addresses) == 10


def test_each_key_has_its_own_bucket_and_some_have_no_bounds() -> None:
    rates = Rates(Clock())
    rates.pay("k", KEY, FULL)
    rates.pay("other", KEY, 1)
    rates.pay("open", OPEN, 10**9)
    rates.check("open", OPEN)
    with pytest.raises(Limited):
        rates.check("k", KEY)


def test_what_is_over_its_rate_is_not_even_inflated() -> None:
    rates = Rates(Clock())
    keys = browser_keys("key:shop rate=1")
    rates.pay("key", keys["key"], 100)
    bomb = request("/v1/batch", b"\x1f\x8b no gzip at all", headers=basic("key"))
    with pytest.raises(Limited):
        admit(bomb, keys, rates)


def test_an_answer_of_429_says_when_to_come_again_and_is_counted() -> None:
    collector = Collector(keys=browser_keys("key:shop rate=1,other:blog"))
    event = b'{"type":"track","anonymousId":"a","event":"Seen"}'
    batch = b'{"batch":[%s]}' % b",".join([event] * 40)
    page = {"origin": "https://a.example"}
    first, again, other = collector.calls(
        ("POST", "/v1/batch?writeKey=key", batch, page),
        ("POST", "/v1/batch?writeKey=key", batch, page),
        ("POST", "/v1/batch?writeKey=other", batch, page),
    )
    assert (first.status, again.status, other.status) == (200, 429, 200)
    assert 1 <= int(again.headers["retry-after"]) <= LONGEST_WAIT
    assert again.headers["access-control-allow-origin"] == "https://a.example"
    assert collector.metrics.limited == {"shop": 1}
    assert len(collector.writer.events()) == 2 * 40
    assert not collector.writer.rejects()
