"""A visitor's IP address: which it is, and what of it is kept."""

from collections.abc import Callable, Iterable
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
HIDDEN: Final = "::"
"""What an SDK sends that tells no address; see `parsed`."""
PRIVATE: Final = "private"
NONE: Final = "none"
_OWN: Final = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "::1",
    "fc00::/7",
    "fe80::/10",
)
"""RFC 1918, 6598 (carriers, and clouds' and tunnels' inner networks), 3927, 4193, and this machine."""
_HOPS: Final = 8
"""Proxies that a request may have passed. What they say of earlier ones is not looked at."""
_CACHE_SIZE: Final = 2_048
"""Different senders whose reading is remembered."""
_NETWORK: Final = {4: 24, 6: 48}
"""Bits that are kept: some 250 neighbours, or one customer's or site's network, stay together."""


class Proxies:
    """Whose word is believed about who sent a request: networks such as `203.0.113.0/24`.

    `private` stands for an operator's own networks, those of `_OWN`; `none` for none at all.
    """

    def __init__(self, trusted: Iterable[str] = (PRIVATE,)) -> None:
        """Raises ValueError for what is no network."""
        words = [word for word in trusted if word != NONE]
        network_names = (_OWN if word == PRIVATE else (word,) for word in words)
        self._networks = [ip_network(text) for sample in network_names for text in sample]
        self._socket = PRIVATE in words
        self._known = lru_cache(_CACHE_SIZE)(self._known_as)

    def visitor(self, forwarded: str, peer: str) -> str:
        """The visitor's address as Python writes it: the connection's other end, or whom that
        speaks for. "" where nobody says.

        `forwarded` is X-Forwarded-For. Each proxy adds whom it was asked by at its end, so from
        there it is read for as long as proxies speak that are believed: what stands before may be
        anybody's.
        """
        address, believed = self._known(peer[:LONGEST])
        if not believed or not forwarded:
            return address
        for previous in reversed(forwarded.rsplit(",", _HOPS)[-_HOPS:]):
            address, believed = self._known(previous.strip()[:LONGEST])
            if not believed:
                break
        return address

    def _known_as(self, text: str) -> tuple[str, bool]:
        """An address without its port, and whether it is a proxy's. A Unix socket has none."""
        address = parsed(text)
        if address is None:
            return "", self._socket and not text
        return str(address), any(address in network for network in self._networks)


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
    """The first address of the network that stands for it: /24, or /48 of IPv6.

    6to4 and Teredo write a whole IPv4 address into theirs: that one's network stands for it.
    """
    address = _tunnelled(address) or address
    return ip_network((address, _NETWORK[address.version]), strict=False).network_address


def _tunnelled(address: Address) -> IPv4Address | None:
    if address.version == 4:
        return None
    return address.sixtofour or (address.teredo[1] if address.teredo else None)


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
