"""A Producer that keeps rejects only as `collectors.producers.reject_quota` allows; events are all kept."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

from collectors.errors import Overloaded
from collectors.producers.base import Producer
from collectors.producers.reject_quota import Divided, Keeping, must_come_again
from schemas.events import Event
from schemas.rejects import Reject

_log = logging.getLogger(__name__)


class KeepingProducer:
    """See `collectors.producers.base.Producer`.

    What is not kept is told with the ticks, and when the collector stops. A process that is killed
    takes the counts of its last minute with it.
    """

    def __init__(
        self,
        producer: Producer,
        clock: Callable[[], int],
        on_refused: Callable[[Divided], None] = lambda divided: None,
    ) -> None:
        """`clock` gives ms. `on_refused` hears of rejects that are durable, or that are only counted."""
        self._producer, self._clock, self._on_refused = producer, clock, on_refused
        self._keeping = Keeping(uuid4().hex)

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
        divide = self._divide if rejects else self._producer.append
        return divide(events, rejects)

    async def _divide(self, events: Sequence[Event], rejects: Sequence[Reject]) -> None:
        divided = kept, left = self._keeping.divide(rejects, self._clock())
        if must_come_again(left):
            self._keeping.give_back(kept)
            raise Overloaded("More of this site's webhooks was refused than is kept.")
        if events or kept:
            try:
                await self._producer.append(events, kept)
            except Overloaded:
                self._keeping.give_back(kept)
                raise
        self._keeping.count(left, self._clock())
        self._on_refused(divided)

    async def tick(self, now: int) -> None:
        """Write the time, then summaries that are due. Those that fail come with a later tick."""
        await self._producer.tick(now)
        await self._tell(self._keeping.due(now))

    async def close(self) -> None:
        """Tell of what was not kept, write what is gathered, then release the log."""
        summaries = self._keeping.due(self._clock(), ending=True)
        try:
            await self._tell(summaries)
        except Overloaded as error:
            lost = "; ".join(f"{one.site!r}: {one.detail}" for one in summaries)
            _log.warning("Not written, as the log is away (%s): %s", error, lost)
        await self._producer.close()

    async def _tell(self, summaries: Sequence[Reject]) -> None:
        if summaries:
            await self._producer.append([], summaries)
            self._keeping.told()
