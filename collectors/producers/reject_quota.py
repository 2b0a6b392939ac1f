"""Which rejects are kept, so that junk cannot fill the disk. Pure; times are the log's, ms.

A site has a quota of limits.REJECT_QUOTA_BYTES for each kind of sender (`schemas.rejects.SentBy`),
and so has the site "", which stands for all that nobody knows. A page's key is public: whoever has
it can use up the quota of the site's pages, but not that of its servers, nor that of its webhooks,
nor another site's. A reject costs what `schemas.rejects.price` says. A quota fills up evenly within
24 hours, so a flood never shuts all rejects out: what comes in the meantime pays for some of them.
A reject that its quota cannot pay is not kept. It is counted by site, sender and reason, and a
summarising reject tells of it once a minute. A webhook's is neither: its sender can be told to try
again, see `must_be_resent`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from collectors import limits
from schemas.rejects import Reason, Reject, SentBy, price
from schemas.time_units import DAY_MS, MINUTE_MS

SUMMARY_INTERVAL_MS: Final = MINUTE_MS


class QuotaSplit(NamedTuple):
    """Rejects that are within their senders' quotas, and are stored, and those beyond, only counted."""

    within: Sequence[Reject]
    beyond: Sequence[Reject]


class _Quota:
    """What one sender may still store, in bytes, at a time (ms)."""

    __slots__ = ("bytes", "time")

    def __init__(self, now: int) -> None:
        self.bytes, self.time = float(limits.REJECT_QUOTA_BYTES), now

    def refill(self, now: int) -> None:
        """A clock that is set back refills nothing."""
        refill = limits.REJECT_QUOTA_BYTES * max(0, now - self.time) / DAY_MS
        self.bytes, self.time = min(float(limits.REJECT_QUOTA_BYTES), self.bytes + refill), now


class _Tally:
    __slots__ = ("count", "since")

    def __init__(self) -> None:
        self.count, self.since = 0, 0


class RejectQuota:
    """The quotas of all sites' senders and the counts of what is not stored.

    Both grow with the sites only that have keys or secrets: any other sender's site is "".
    """

    def __init__(self, name: str) -> None:
        """`name` is unlike any other process's: it begins the ids of summaries."""
        self._name, self._number = name, 0
        self._quotas: dict[tuple[str, SentBy], _Quota] = {}
        self._tallies: defaultdict[tuple[str, SentBy, Reason], _Tally] = defaultdict(_Tally)
        self._unconfirmed: list[Reject] = []
        self._summarised_at: int | None = None

    def split(self, rejects: Sequence[Reject], now: int) -> QuotaSplit:
        """Charge each reject to its sender's quota, as far as that goes."""
        within: list[Reject] = []
        beyond: list[Reject] = []
        for reject in rejects:
            (within if self._pay(reject, now) else beyond).append(reject)
        return QuotaSplit(within, beyond)

    def refund(self, rejects: Iterable[Reject]) -> None:
        """These were not written after all: the log was away, and their senders were told so."""
        for reject in rejects:
            self._quotas[reject.site, reject.sender].bytes += price(reject)

    def count(self, beyond: Iterable[Reject], now: int) -> None:
        """These are not stored, and their senders hear that they are refused."""
        for reject in beyond:
            tally = self._tallies[reject.site, reject.sender, reject.reason]
            tally.since = tally.since if tally.count else now
            tally.count += 1

    def due(self, now: int, *, ending: bool = False) -> list[Reject]:
        """The summaries to write now: none within a minute of the last ones, unless it is `ending`.

        The same ones again until `confirm` was called; what is counted meanwhile goes into the next.
        """
        recent = (
            self._summarised_at is not None and 0 <= now - self._summarised_at < SUMMARY_INTERVAL_MS
        )
        if ending or not (self._unconfirmed or recent):
            self._summarised_at = now
            self._unconfirmed += self._summaries(now)
        return list(self._unconfirmed)

    def confirm(self) -> None:
        """What `due` gave is durable."""
        self._unconfirmed = []

    def _pay(self, reject: Reject, now: int) -> bool:
        key = reject.site, reject.sender
        quota = self._quotas.get(key)
        if quota is None:
            quota = self._quotas[key] = _Quota(now)
        quota.refill(now)
        cost = price(reject)
        if cost > quota.bytes:
            return False
        quota.bytes -= cost
        return True

    def _summaries(self, now: int) -> Iterator[Reject]:
        tallies, self._tallies = self._tallies, defaultdict(_Tally)
        for (site, sender, reason), tally in tallies.items():
            self._number += 1
            yield Reject(
                id=f"{self._name}-{self._number}",
                reason=Reason.REJECTS_NOT_KEPT,
                detail=f"{tally.count:,} of {reason.value} between {_clock(tally.since)} and "
                f"{_clock(now)} were counted but not kept",
                site=site,
                received_at=now,
                path="",
                body=b"",
                sender=sender,
            )


def must_be_resent(beyond: Iterable[Reject]) -> bool:
    """Whether one of these, if it is not kept, must not be answered as if it had been taken.

    A verified webhook hears 200 whatever its facts are worth, so nobody else would keep them.
    """
    return any(reject.sender == "webhook" for reject in beyond)


def _clock(time: int) -> str:
    return f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
