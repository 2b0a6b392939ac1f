"""Which rejects are kept, so that junk cannot fill the disk. Pure; times are the log's, ms.

A site has a purse of limits.REJECT_PURSE bytes for each kind of sender (`schemas.rejects.SentBy`),
and so has the site "", which stands for all that nobody knows. A page's key is public: whoever has
it can use up the purse of the site's pages, but not that of its servers, nor that of its webhooks,
nor another site's. A reject costs what `schemas.rejects.price` says. A purse fills up evenly within
24 hours, so a flood never shuts all rejects out: what comes in the meantime pays for some of them.
A reject that its purse cannot pay is not kept. It is counted by site, sender and reason, and a
summarising reject tells of it once a minute. A webhook's is neither: its sender can be told to try
again, see `must_come_again`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from collectors import limits
from schemas.rejects import Reason, Reject, SentBy, price
from schemas.time_units import DAY_MS, MINUTE_MS

TELL_MS: Final = MINUTE_MS


class Divided(NamedTuple):
    """Rejects that are kept, and those that are not."""

    kept: Sequence[Reject]
    left: Sequence[Reject]


class _Purse:
    __slots__ = ("bytes", "time")

    def __init__(self, now: int) -> None:
        self.bytes, self.time = float(limits.REJECT_PURSE), now

    def fill(self, now: int) -> None:
        """A clock that is set back fills nothing."""
        earned = limits.REJECT_PURSE * max(0, now - self.time) / DAY_MS
        self.bytes, self.time = min(float(limits.REJECT_PURSE), self.bytes + earned), now


class _Tally:
    __slots__ = ("count", "since")

    def __init__(self) -> None:
        self.count, self.since = 0, 0


class Keeping:
    """The purses of all sites' senders and the counts of what is not kept.

    Both grow with the sites only that have keys or secrets: any other sender's site is "".
    """

    def __init__(self, name: str) -> None:
        """`name` is unlike any other process's: it begins the ids of summaries."""
        self._name, self._number = name, 0
        self._purses: dict[tuple[str, SentBy], _Purse] = {}
        self._tallies: defaultdict[tuple[str, SentBy, Reason], _Tally] = defaultdict(_Tally)
        self._untold: list[Reject] = []
        self._told_at: int | None = None

    def divide(self, rejects: Sequence[Reject], now: int) -> Divided:
        """Pay for each reject that its sender's purse can pay for."""
        kept: list[Reject] = []
        left: list[Reject] = []
        for reject in rejects:
            (kept if self._pay(reject, now) else left).append(reject)
        return Divided(kept, left)

    def give_back(self, kept: Iterable[Reject]) -> None:
        """These were not written after all: the log was away, and their senders were told so."""
        for reject in kept:
            self._purses[reject.site, reject.sender].bytes += price(reject)

    def count(self, left: Iterable[Reject], now: int) -> None:
        """These are not kept, and their senders hear that they are refused."""
        for reject in left:
            tally = self._tallies[reject.site, reject.sender, reject.reason]
            tally.since = tally.since if tally.count else now
            tally.count += 1

    def due(self, now: int, *, ending: bool = False) -> list[Reject]:
        """The summaries to write now: none within a minute of the last ones, unless it is `ending`.

        The same ones again until `told` was called; what is counted meanwhile goes into the next.
        """
        recent = self._told_at is not None and 0 <= now - self._told_at < TELL_MS
        if ending or not (self._untold or recent):
            self._told_at = now
            self._untold += self._summaries(now)
        return list(self._untold)

    def told(self) -> None:
        """What `due` gave is durable."""
        self._untold = []

    def _pay(self, reject: Reject, now: int) -> bool:
        place = reject.site, reject.sender
        purse = self._purses.get(place)
        if purse is None:
            purse = self._purses[place] = _Purse(now)
        purse.fill(now)
        cost = price(reject)
        if cost > purse.bytes:
            return False
        purse.bytes -= cost
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


def must_come_again(left: Iterable[Reject]) -> bool:
    """Whether one of these, if it is not kept, must not be answered as if it had been taken.

    A verified webhook hears 200 whatever its facts are worth, so nobody else would keep them.
    """
    return any(reject.sender == "webhook" for reject in left)


def _clock(time: int) -> str:
    return f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
