"""How much a write key may still send, and each address with it: token buckets.

The unit is an event of a kilobyte; a larger one counts as several, so a rate bounds the disk too.
What is refused is paid for as well. Of a key for pages, which everybody can read, one address may
use a part only, and so may senders without a key: no single machine can use up what a site's
visitors need.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_network
from math import ceil
from typing import Final, NamedTuple

from collectors.enrichment import addresses
from schemas.keys import WriteKey

EVENT_BYTES: Final = 1_024
BURST_SECONDS: Final = 10
"""A sender that was quiet may send at once what its rate allows in so long."""
LONGEST_WAIT: Final = 60
"""Seconds; what a sender in deeper debt is asked to wait."""
ADDRESS_PART: Final = 4
"""One address may use a quarter of a key's rate."""
STRANGER_RATE: Final = 100
"""What an address may send that comes with no known key, such as junk, a second."""
MAX_ADDRESSES: Final = 50_000
"""Addresses remembered, some 15 MB; of more, those that were quiet longest begin anew."""
_IPV6_SITE: Final = 56


class RateLimited(Exception):  # an outcome of asking
    """The sender has sent too much, and may send this again in `seconds`."""

    def __init__(self, site: str, seconds: int) -> None:
        super().__init__(site, seconds)
        self.site, self.seconds = site, seconds


class Payer(NamedTuple):
    """Who pays for a request. `key` None: a sender nobody knows, of whom only the address counts."""

    name: str
    key: WriteKey | None
    address: str


class _Bucket:
    """What is left of a burst: `rate` × BURST_SECONDS at most. One that is full may be overdrawn."""

    __slots__ = ("balance", "rate", "updated_at")

    def __init__(self, rate: float, now: float) -> None:
        self.rate, self.balance, self.updated_at = rate, rate * BURST_SECONDS, now

    def wait(self, cost: float, now: float) -> float:
        """Seconds until `cost` can be paid; 0: now."""
        burst = self.rate * BURST_SECONDS
        self.balance = min(burst, self.balance + (now - self.updated_at) * self.rate)
        self.updated_at = now
        return max(0.0, (min(cost, burst) - self.balance) / self.rate)


class RateLimits:
    """Every bucket. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._keys: dict[str, _Bucket] = {}
        self._addresses: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    def check(self, payer: Payer) -> None:
        """Raise RateLimited where the payer has nothing left."""
        self._afford(payer, 1)

    def take(self, payer: Payer, cost: float) -> None:
        """Pay where it can be paid. Raises RateLimited."""
        for bucket in self._afford(payer, cost):
            bucket.balance -= cost

    def pay(self, payer: Payer, cost: float) -> None:
        """Pay, whether it is there or not; negative to give back."""
        for bucket in self._buckets(payer, self._clock()):
            bucket.balance -= cost

    def _afford(self, payer: Payer, cost: float) -> tuple[_Bucket, ...]:
        now, wait = self._clock(), 0.0
        buckets = self._buckets(payer, now)
        for bucket in buckets:
            wait = max(wait, bucket.wait(cost, now))
        if wait > 0:
            site = payer.key.site if payer.key else ""
            raise RateLimited(site, min(LONGEST_WAIT, max(1, ceil(wait))))
        return buckets

    def _buckets(self, payer: Payer, now: float) -> tuple[_Bucket, ...]:
        name, key, address = payer
        if key is None:
            address_bucket = self._of(name, address, STRANGER_RATE, now)
            return (address_bucket,) if address_bucket else ()
        if not key.rate:
            return ()
        key_bucket = self._keys.get(name)
        if key_bucket is None:
            key_bucket = self._keys[name] = _Bucket(key.rate, now)
        address_bucket = (
            None if key.server else self._of(name, address, key.rate / ADDRESS_PART, now)
        )
        return (key_bucket, address_bucket) if address_bucket else (key_bucket,)

    def _of(self, name: str, address: str, rate: float, now: float) -> _Bucket | None:
        """An address's own bucket; None for one that is no visitor's."""
        visitor = visitor_of(address)
        if not visitor:
            return None
        key = name, visitor
        bucket = self._addresses.get(key)
        if bucket is None:
            bucket = self._addresses[key] = _Bucket(rate, now)
            if len(self._addresses) > MAX_ADDRESSES:
                self._addresses.popitem(last=False)
        self._addresses.move_to_end(key)
        return bucket


class NoRateLimits(RateLimits):
    """For an importer and for tests: nobody waits."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)

    def _buckets(self, payer: Payer, now: float) -> tuple[_Bucket, ...]:
        return ()


def cost(events: int, size: int) -> float:
    """What a request of so many events and bytes, once inflated, is to pay; one at least."""
    return max(1, events, size / EVENT_BYTES)


@lru_cache(4_096)
def visitor_of(address: str) -> str:
    """Who counts as one: an IPv4 address, an IPv6 network as one line gets it (/56).

    "" for what is no visitor's: an address of the operator's own network is a proxy's that says
    nothing about who is behind it.
    """
    ip = addresses.parsed(address)
    if ip is None or not ip.is_global:
        return ""
    return str(ip) if ip.version == 4 else str(ip_network((ip, _IPV6_SITE), strict=False))
