"""A Producer whose log may not be there yet, so that a collector can start before its log."""

from collections.abc import Awaitable, Callable, Sequence

from collectors.errors import Overloaded
from collectors.producers.base import Producer
from schemas.events import Event
from schemas.rejects import Reject


class LazyProducer:
    """See `collectors.producers.base.Producer`. In trouble, and taking nothing, until the log is open."""

    def __init__(self, opening: Callable[[], Awaitable[Producer]]) -> None:
        """`opening` opens the log; raises Overloaded where it should be called again later."""
        self._opening = opening
        self._producer: Producer | None = None
        self._closed = "The log could not be opened yet."

    @property
    def trouble(self) -> str:
        """Why the log is not open, or why its newest write failed; empty where it succeeded."""
        return self._closed if self._producer is None else self._producer.trouble

    @property
    def waiting(self) -> int:
        """Bytes gathered and not yet durable."""
        return 0 if self._producer is None else self._producer.waiting

    async def open(self) -> Producer:
        """The log; opened where it is not open yet. Raises what `opening` raises."""
        if self._producer is None:
            try:
                self._producer = await self._opening()
            except Overloaded as error:
                self._closed = str(error)
                raise
        return self._producer

    def append(self, events: Sequence[Event], rejects: Sequence[Reject]) -> Awaitable[None]:
        """See `Producer.append`. Raises Overloaded at once while the log is not open: waiting would hold
        the sender."""
        if self._producer is None:
            raise Overloaded("The log could not be opened yet; it is being tried again.")
        return self._producer.append(events, rejects)

    async def tick(self, now: int) -> None:
        """See `Producer.tick`; every tick tries again to open a log that is not open."""
        await (await self.open()).tick(now)

    async def close(self) -> None:
        """Close the log, if it was opened."""
        if self._producer is not None:
            await self._producer.close()
