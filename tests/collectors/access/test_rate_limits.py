"""A sender of too much waits; over time it gets its rate, and others lose nothing."""

import gzip
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import limits
from collectors.access.rate_limits import (
    ADDRESS_PART,
    BURST_SECONDS,
    EVENT_BYTES,
    LONGEST_WAIT,
    STRANGER_RATE,
    Payer,
    RateLimited,
    RateLimits,
    cost,
    visitor_of,
)
from collectors.admission import admit
from schemas.keys import OPEN, WriteKey, browser_keys
from tests.collectors.requests import basic, request
from tests.collectors.test_endpoint import Call, Collector

KEY = WriteKey("shop", rate=10)
FULL = KEY.rate * BURST_SECONDS
HOME = "93.184.216.34"
US = Payer("k", KEY, "")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def take(rates: RateLimits, payer: Payer, price: float = 1) -> None:
    rates.take(payer, price)


def test_a_quiet_key_may_send_a_burst_and_then_waits() -> None:
    rates = RateLimits(Clock())
    for _ in range(FULL):
        take(rates, US)
    with pytest.raises(RateLimited) as limited:
        take(rates, US)
    assert (limited.value.site, limited.value.seconds) == ("shop", 1)


@given(st.floats(1, 300), st.floats(1, 300))
def test_the_wait_that_is_told_is_enough(first: float, then: float) -> None:
    clock = Clock()
    rates = RateLimits(clock)
    take(rates, US, first)
    for _ in range(10):
        try:
            take(rates, US, then)
        except RateLimited as limited:
            clock.now += limited.seconds
        else:
            return
    raise AssertionError("never taken")


def test_a_debt_however_large_is_waited_for_in_steps_that_senders_keep() -> None:
    rates = RateLimits(Clock())
    take(rates, US, 10**6)
    with pytest.raises(RateLimited) as limited:
        rates.check(US)
    assert limited.value.seconds == LONGEST_WAIT


def test_a_request_larger_than_a_burst_is_taken_when_nothing_else_was_for_long() -> None:
    clock = Clock()
    rates = RateLimits(clock)
    take(rates, US)
    with pytest.raises(RateLimited):
        rates.take(US, FULL * 2)
    clock.now += BURST_SECONDS
    take(rates, US, FULL * 2)


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, FULL)), max_size=200))
def test_nobody_exceeds_burst_and_rate(sends: list[tuple[float, int]]) -> None:
    clock = Clock()
    rates, taken = RateLimits(clock), 0
    for pause, events in sends:
        clock.now += pause
        with suppress(RateLimited):
            take(rates, US, events)
            taken += events
    assert taken <= FULL + clock.now * KEY.rate + 1e-6


def test_large_events_count_as_several_and_no_request_is_free() -> None:
    assert cost(1, 700) == cost(0, 0) == 1
    assert cost(100, 70_000) == 100
    assert cost(100, 32 * EVENT_BYTES * 100) == 3_200


def test_what_was_not_made_durable_is_given_back() -> None:
    rates = RateLimits(Clock())
    take(rates, US, FULL)
    rates.pay(US, -FULL)
    take(rates, US, FULL)


def test_one_address_uses_a_part_of_a_pages_key_and_leaves_the_rest_to_others() -> None:
    rates = RateLimits(Clock())
    for _ in range(FULL // ADDRESS_PART):
        take(rates, Payer("k", KEY, HOME))
    with pytest.raises(RateLimited):
        rates.check(Payer("k", KEY, HOME))
    rates.check(Payer("k", KEY, "93.184.216.35"))


def test_a_large_batch_of_one_address_does_not_use_up_the_key() -> None:
    rates = RateLimits(Clock())
    for number in range(ADDRESS_PART - 1):
        with suppress(RateLimited):
            take(rates, Payer("k", KEY, f"93.184.216.{number}"), FULL // ADDRESS_PART)
            take(rates, Payer("k", KEY, f"93.184.216.{number}"), FULL // ADDRESS_PART)
    rates.take(Payer("k", KEY, HOME), FULL // ADDRESS_PART)


def test_strangers_are_limited_by_address_alone() -> None:
    rates = RateLimits(Clock())
    stranger = Payer("", None, HOME)
    take(rates, stranger, STRANGER_RATE * BURST_SECONDS)
    with pytest.raises(RateLimited) as limited:
        rates.check(stranger)
    assert limited.value.site == ""
    rates.check(Payer("", None, "93.184.216.35"))
    rates.check(Payer("k", KEY, HOME))


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "::1", "", "unix", "fd00::1", "100.64.0.7"]
)
def test_a_proxy_that_names_nobody_is_not_taken_for_a_visitor(address: str) -> None:
    assert visitor_of(address) == ""
    rates = RateLimits(Clock())
    take(rates, Payer("k", KEY, address), FULL - 1)
    rates.check(Payer("k", KEY, address))
    take(rates, Payer("", None, address), 10**6)
    rates.check(Payer("", None, address))


def test_a_servers_key_has_one_address_and_all_of_its_rate() -> None:
    rates, key = RateLimits(Clock()), KEY._replace(server=True)
    take(rates, Payer("s", key, HOME), FULL - 1)
    rates.check(Payer("s", key, HOME))


def test_no_limit_is_no_limit() -> None:
    rates = RateLimits(Clock())
    take(rates, Payer("", OPEN, HOME), 10**9)
    rates.check(Payer("", OPEN, HOME))


def test_a_visitor_is_an_address_or_a_line() -> None:
    assert visitor_of("2a02:8388::1") == visitor_of("2a02:8388:0:ff::1") == "2a02:8388::/56"
    assert visitor_of("2a02:8388:0:100::1") != visitor_of("2a02:8388::1")
    assert visitor_of("::ffff:8.8.8.8") == visitor_of("8.8.8.8:5678") == "8.8.8.8"


def test_addresses_are_forgotten_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.access.rate_limits.MAX_ADDRESSES", 10)
    rates, key = RateLimits(Clock()), KEY._replace(rate=10**6)
    for number in range(1, 100):
        take(rates, Payer("k", key, f"93.184.216.{number}"))
    assert len(rates._addresses) == 10


def test_what_is_over_its_rate_is_not_even_inflated() -> None:
    rates = RateLimits(Clock())
    keys = browser_keys("key:shop rate=1")
    rates.pay(Payer("key", keys["key"], ""), 100)
    bomb = request("/v1/batch", b"\x1f\x8b no gzip at all", headers=basic("key"))
    with pytest.raises(RateLimited):
        admit(bomb, keys, rates)


def test_what_is_refused_is_paid_for_by_what_it_cost() -> None:
    keys = browser_keys("key:shop rate=1000000 origin=https://a.example")
    bomb = gzip.compress(b"[" * limits.MAX_BODY)
    for body, least in ((b"{", 1), (b"x" * 100_000, 97), (bomb, 4_000), (b"\x1f\x8bno", 4_000)):
        for name, site in (("key", "shop"), ("other", "")):
            admitted = admit(
                request("/v1/track", body, headers=basic(name)), keys, RateLimits(Clock())
            )
            assert admitted.paid
            assert admitted.paid.cost >= least
            assert (admitted.paid.payer.key is None) == (site == "")
            assert [one.site for one in admitted.rejects] == [site]


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


def test_an_answer_of_503_costs_nothing() -> None:
    collector = Collector(keys=browser_keys("key:shop rate=1"))
    collector.writer.broken = True
    event = b'{"type":"track","anonymousId":"a","event":"Seen"}'
    asked: Call = ("POST", "/v1/track?writeKey=key", event, {})
    answers = collector.calls(*[asked] * 3 * BURST_SECONDS)
    assert {one.status for one in answers} == {503}
