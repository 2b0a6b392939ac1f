"""Addresses: whose they are, and how little of them is kept."""

import tracemalloc
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collectors.enrichment import addresses

V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6)
TUNNELS = [ip_network("2002::/16"), ip_network("2001::/32")]
CDN = "203.0.113.0/24"


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
    assert addresses.Proxies().visitor(forwarded, peer) == visitor


@pytest.mark.parametrize(
    "proxy",
    [
        "100.64.0.7",
        "192.168.1.1",
        "172.17.0.1",
        "169.254.1.1",
        "::ffff:10.0.0.1",
        "fd00::1",
        "fe80::1%eth0",
    ],
)
def test_proxies_of_private_networks_are_believed(proxy: str) -> None:
    assert addresses.Proxies().visitor("198.51.100.7", proxy) == "198.51.100.7"


@pytest.mark.parametrize(
    ("trusted", "forwarded", "peer", "visitor"),
    [
        ((CDN,), "6.6.6.6, 198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ((CDN,), "6.6.6.6, 198.51.100.7, 203.0.113.8", "203.0.113.9", "198.51.100.7"),
        ((CDN,), "198.51.100.7", "10.0.0.1", "10.0.0.1"),
        ((CDN,), "198.51.100.7, 10.0.0.1", "203.0.113.9", "10.0.0.1"),
        (("private", CDN), "6.6.6.6, 198.51.100.7, 203.0.113.9", "10.0.0.1", "198.51.100.7"),
        (("private",), "198.51.100.7, 203.0.113.9", "10.0.0.1", "203.0.113.9"),
        (("private",), "10.1.1.1, 10.2.2.2", "10.0.0.1", "10.1.1.1"),
        (("private",), "198.51.100.7, unknown", "10.0.0.1", ""),
        (("2001:db8::/32",), "198.51.100.7", "2001:db8::1", "198.51.100.7"),
        (("198.51.100.1",), "6.6.6.6", "198.51.100.1", "6.6.6.6"),
        (("none",), "198.51.100.7", "172.17.0.1", "172.17.0.1"),
        (("none",), "198.51.100.7", "", ""),
    ],
)
def test_a_visitor_is_the_last_that_is_no_trusted_proxy(
    trusted: tuple[str, ...], forwarded: str, peer: str, visitor: str
) -> None:
    assert addresses.Proxies(trusted).visitor(forwarded, peer) == visitor


@pytest.mark.parametrize("written", ["198.51.100.7:5678", " ::ffff:198.51.100.7 ", "198.51.100.7"])
def test_a_visitor_has_one_address_however_a_proxy_writes_it(written: str) -> None:
    assert addresses.Proxies().visitor(written, "10.0.0.1") == "198.51.100.7"
    assert addresses.Proxies().visitor("", written) == "198.51.100.7"


def test_of_a_long_way_only_the_last_proxies_are_looked_at() -> None:
    way = ", ".join(["6.6.6.6"] * 10_000 + ["10.0.0.2"] * 50)
    assert addresses.Proxies().visitor(way, "10.0.0.1") == "10.0.0.2"


def test_of_what_proxies_say_little_is_remembered() -> None:
    proxies = addresses.Proxies()
    tracemalloc.start()
    for number in range(100):
        proxies.visitor(f"{number}{'x' * 100_000}", "10.0.0.1")
        proxies.visitor("", f"{number}{'x' * 100_000}")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 200_000


def test_what_is_no_network_cannot_be_trusted() -> None:
    with pytest.raises(ValueError, match="example"):
        addresses.Proxies(["proxy.example"])


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
    addresses.Proxies().visitor(text, text)


@given(V4 | V6)
def test_the_kept_part_is_that_of_a_whole_network(address: addresses.Address) -> None:
    assume(not any(address in tunnel for tunnel in TUNNELS))
    kept = ip_address(addresses.truncated(address))
    host_bits = 8 if address.version == 4 else 80
    assert int(kept) == int(address) >> host_bits << host_bits
    assert addresses.truncated(kept) == str(kept)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("2002:808:808::1", "8.8.8.0"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.0"),
        ("2001:db8:7:8::9", "2001:db8:7::"),
    ],
)
def test_no_whole_ipv4_address_is_kept_within_an_ipv6_one(address: str, kept: str) -> None:
    assert addresses.truncated(ip_address(address)) == kept


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
