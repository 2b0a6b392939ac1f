"""A visitor's IP address: which it is, and what of it is kept."""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Keep = Callable[[Address], str]
"""What of an address is stored; "" where nothing is."""

KEY_LENGTH: Final = 16
"""Characters: all IPv4 addresses can be tried within minutes, so a key that is guessed is none."""
LONGEST: Final = 64
_NETWORK: Final = {4: 24, 6: 48}
"""Bits that are kept: some 250 neighbours, or one customer's or site's network, stay together."""


def visitor(forwarded: str, peer: str) -> str:
    """The visitor's address: the connection's other end, or whom that speaks for.

    Only a proxy of the operator's own network is believed about it, and only its own word: the last
    entry of X-Forwarded-For, as whoever sent the request may have written the ones before.
    """
    seen = forwarded.rpartition(",")[2].strip() if forwarded else ""
    return seen if seen and _near(peer) else peer


@lru_cache(1_024)
def _near(peer: str) -> bool:
    try:
        return ip_address(peer).is_private
    except ValueError:  # a Unix socket has none
        return True


def parsed(text: str) -> Address | None:
    """The address, with or without a port as proxies write it; None where it says none.

    0.0.0.0 and :: are no addresses: SDKs send them to say that they tell none. IPv4 within IPv6 is
    IPv4.
    """
    text = text.strip()[:LONGEST]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    return None if address.is_unspecified else address


def network(address: Address) -> Address:
    """The first address of the network that stands for it: /24, or /48 of IPv6."""
    return ip_network((address, _NETWORK[address.version]), strict=False).network_address


def truncated(address: Address) -> str:
    """Its network."""
    return str(network(address))


def hashed(key: str) -> Keep:
    """A keyed hash: equal addresses stay equal, and without the key nobody can tell which they are."""
    secret = blake2b(key.encode(), digest_size=32).digest()

    def keep(address: Address) -> str:
        return blake2b(address.packed, key=secret, digest_size=16).hexdigest()

    return keep


def dropped(address: Address) -> str:
    """Nothing."""
    return ""
