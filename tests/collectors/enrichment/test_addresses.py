"""Addresses: whose they are, and how little of them is kept."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.enrichment import addresses

V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6)


@pytest.mark.parametrize(
    ("forwarded", "peer", "visitor"),
    [
        ("", "203.0.113.9", "203.0.113.9"),
        ("198.51.100.7", "127.0.0.1", "198.51.100.7"),
        ("198.51.100.7", "10.1.2.3", "198.51.100.7"),
        ("198.51.100.7", "::1", "198.51.100.7"),
        ("198.51.100.7", "", "198.51.100.7"),
        ("1.1.1.1, 198.51.100.7", "10.1.2.3", "198.51.100.7"),
        ("198.51.100.7", "8.8.8.8", "8.8.8.8"),
    ],
)
def test_only_a_near_proxys_last_word_is_believed(forwarded: str, peer: str, visitor: str) -> None:
    assert addresses.visitor(forwarded, peer) == visitor


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9:4711 ", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_is_read_however_it_is_written(text: str, address: str) -> None:
    assert addresses.parsed(text) == ip_address(address)


@pytest.mark.parametrize(
    "text", ["", "unknown", "0.0.0.0", "::", "1.2.3", "1.2.3.4.5", "x" * 10_000]
)
def test_what_says_no_address_is_none(text: str) -> None:
    assert addresses.parsed(text) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    addresses.parsed(text)
    addresses.visitor(text, text)


@given(V4 | V6)
def test_the_kept_part_is_that_of_a_whole_network(address: addresses.Address) -> None:
    kept = ip_address(addresses.truncated(address))
    host_bits = 8 if address.version == 4 else 80
    assert int(kept) == int(address) >> host_bits << host_bits
    assert addresses.truncated(kept) == str(kept)


@given(V4 | V6, V4 | V6)
def test_hashes_are_equal_for_equal_addresses_alone(
    one: addresses.Address, other: addresses.Address
) -> None:
    keep = addresses.hashed("a key that nobody knows")
    assert (keep(one) == keep(other)) == (one == other)
    assert str(one) not in keep(one)


def test_another_key_gives_another_hash() -> None:
    address = ip_address("203.0.113.9")
    assert addresses.hashed("k" * 16)(address) != addresses.hashed("l" * 16)(address)


def test_dropped_is_nothing() -> None:
    assert addresses.dropped(ip_address("203.0.113.9")) == ""
