"""How many events a write key may still send, and each address with it: token buckets.

A request is taken while its key and its address have anything left, and pays all its events: one
that sends more than is left goes into debt, and its sender waits longer. Over time nobody exceeds
the rate. Of a key for pages, which everybody can read, one address may use a part only: so no
single machine can use up what a site's visitors need.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from math import ceil
from typing import Final

from schemas.keys import WriteKey

BURST_SECONDS: Final = 10
"""A sender that was quiet may send at once what its rate allows in so long."""
LONGEST_WAIT: Final = 60
"""Seconds; what a sender in deeper debt is asked to wait."""
ADDRESS_PART: Final = 4
"""One address may use a quarter of a key's rate."""
MAX_ADDRESSES: Final = 100_000
"""Addresses remembered, some 30 MB; of more, those that were quiet longest begin anew."""
_IPV6_SITE: Final = 64


class Limited(Exception):  # an outcome of asking
    """The sender has sent too much, and may send this again in `seconds`."""

    def __init__(self, site: str, seconds: int) -> None:
        super().__init__(site, seconds)
        self.site, self.seconds = site, seconds


class _Bucket:
    """What is left of a burst: at most `rate` × BURST_SECONDS, less than nothing when in debt."""

    __slots__ = ("left", "seen")

    def __init__(self, rate: float, now: float) -> None:
        self.left, self.seen = rate * BURST_SECONDS, now

    def wait(self, rate: float, now: float) -> int:
        """Seconds until something is left; 0: now."""
        self.left = min(rate * BURST_SECONDS, self.left + (now - self.seen) * rate)
        self.seen = now
        return 0 if self.left > 0 else min(LONGEST_WAIT, max(1, ceil(-self.left / rate)))


class Rates:
    """Every bucket. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._keys: dict[str, _Bucket] = {}
        self._addresses: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    def check(self, name: str, key: WriteKey, address: str = "") -> None:
        """Raise Limited where key or address has nothing left. `address` "": it is not known."""
        if key.rate:
            wait = max(bucket.wait(rate, self._clock())
                       for bucket, rate in self._buckets(name, key, address))  # fmt: skip
            if wait:
                raise Limited(key.site, wait)

    def pay(self, name: str, key: WriteKey, events: int, address: str = "") -> None:
        """A request with so many events is taken; one without any counts as one. Raises Limited."""
        self.check(name, key, address)
        if key.rate:
            for bucket, _ in self._buckets(name, key, address):
                bucket.left -= max(1, events)

    def _buckets(self, name: str, key: WriteKey, address: str) -> list[tuple[_Bucket, float]]:
        if name not in self._keys:
            self._keys[name] = _Bucket(key.rate, self._clock())
        found = [(self._keys[name], float(key.rate))]
        visitor = "" if key.server else visitor_of(address)
        if visitor:
            part = key.rate / ADDRESS_PART
            found.append((self._of(name, visitor, part), part))
        return found

    def _of(self, name: str, visitor: str, rate: float) -> _Bucket:
        place = name, visitor
        bucket = self._addresses.get(place)
        if bucket is None:
            bucket = self._addresses[place] = _Bucket(rate, self._clock())
            if len(self._addresses) > MAX_ADDRESSES:
                self._addresses.popitem(last=False)
        self._addresses.move_to_end(place)
        return bucket


@lru_cache(8_192)
def visitor_of(address: str) -> str:
    """Who counts as one: an IPv4 address, an IPv6 network of one site (/64).

    "" for what is no visitor's: an address of the operator's own network is a proxy's that says
    nothing about who is behind it.
    """
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    if known.is_private:
        return ""
    return str(known) if known.version == 4 else str(ip_network((known, _IPV6_SITE), strict=False))
