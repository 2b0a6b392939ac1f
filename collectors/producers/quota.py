"""A Producer that stores rejects only as `collectors.producers.reject_quota` allows, and every event."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

from collectors.errors import Overloaded
from collectors.producers.base import Producer
from collectors.producers.reject_quota import QuotaSplit, RejectQuota, must_be_resent
from schemas.events import Event
from schemas.rejects import Reject

_log = logging.getLogger(__name__)


class QuotaProducer:
    """See `collectors.producers.base.Producer`.

    What is not stored is summarised with the ticks, and when the collector stops. A process that is killed
    takes the counts of its last minute with it.
    """

    def __init__(
        self,
        producer: Producer,
        clock: Callable[[], int],
        on_split: Callable[[QuotaSplit], None] = lambda split: None,
    ) -> None:
        """`clock` gives ms. `on_split` is called once rejects are durable, or counted."""
        self._producer, self._clock, self._on_split = producer, clock, on_split
        self._quota = RejectQuota(uuid4().hex)

    @property
    def trouble(self) -> str:
        """Why the newest write failed; empty where it succeeded."""
        return self._producer.trouble

    @property
    def waiting(self) -> int:
        """Bytes gathered and not yet durable."""
        return self._producer.waiting

    def append(self, events: Sequence[Event], rejects: Sequence[Reject]) -> Awaitable[None]:
        """Durable, or counted, once awaited. Raises Overloaded: nothing was counted either.

        A webhook's reject that cannot be kept is Overloaded too: vendors try again for days.
        """
        append = self._append_within if rejects else self._producer.append
        return append(events, rejects)

    async def _append_within(self, events: Sequence[Event], rejects: Sequence[Reject]) -> None:
        split = within, beyond = self._quota.split(rejects, self._clock())
        if must_be_resent(beyond):
            self._quota.refund(within)
            raise Overloaded("More of this site's webhooks was refused than is kept.")
        if events or within:
            try:
                await self._producer.append(events, within)
            except Overloaded:
                self._quota.refund(within)
                raise
        self._quota.count(beyond, self._clock())
        self._on_split(split)

    async def tick(self, now: int) -> None:
        """Write the time, then summaries that are due. Those that fail come with a later tick."""
        await self._producer.tick(now)
        await self._write_summaries(self._quota.due(now))

    async def close(self) -> None:
        """Summarise what was not stored, write what is gathered, then release the log."""
        summaries = self._quota.due(self._clock(), ending=True)
        try:
            await self._write_summaries(summaries)
        except Overloaded as error:
            lost = "; ".join(f"{item.site!r}: {item.detail}" for item in summaries)
            _log.warning("Not written, as the log is away (%s): %s", error, lost)
        await self._producer.close()

    async def _write_summaries(self, summaries: Sequence[Reject]) -> None:
        if summaries:
            await self._producer.append([], summaries)
            self._quota.confirm()
