"""A collector that is there before its log: what it takes meanwhile, and when it takes more."""

import asyncio

import pytest

from collectors.errors import LogMismatch, Overloaded
from collectors.producers.base import GroupCommit
from collectors.producers.lazy import LazyProducer
from schemas.events import Event
from tests.collectors.writers import MemoryWriter

EVENT = Event(
    type="track",
    message_id="m",
    site="shop",
    time=5,
    received_at=5,
    corrected_time=5,
    anonymous_id="a",
)


class Log:
    """A log that is away for so many attempts."""

    def __init__(self, away: int) -> None:
        self.writer, self.away, self.attempts = MemoryWriter(), away, 0

    async def open(self) -> GroupCommit:
        self.attempts += 1
        if self.attempts <= self.away:
            raise Overloaded("No broker answers.")
        return GroupCommit(self.writer, 1)


def test_it_takes_nothing_until_a_tick_has_opened_the_log() -> None:
    async def story() -> tuple[Log, list[bool]]:
        log = Log(away=2)
        late = LazyProducer(log.open)
        ready = [not late.trouble]
        with pytest.raises(Overloaded):
            await late.append([EVENT], [])
        for now in (1, 2):
            with pytest.raises(Overloaded, match="No broker"):
                await late.tick(now)
            ready.append(not late.trouble)
        await late.tick(3)
        await late.append([EVENT], [])
        ready.append(not late.trouble)
        await late.close()
        return log, ready

    log, ready = asyncio.run(story())
    assert ready == [False, False, False, True]
    assert [event.type for event in log.writer.events()] == ["tick", "track"]
    assert (log.attempts, log.writer.closed) == (3, True)


def test_one_that_never_had_a_log_can_be_closed() -> None:
    late = LazyProducer(Log(away=9).open)
    asyncio.run(late.close())
    assert late.waiting == 0


def test_what_trying_again_cannot_cure_is_raised() -> None:
    async def opening() -> GroupCommit:
        raise LogMismatch("other partitions")

    with pytest.raises(LogMismatch):
        asyncio.run(LazyProducer(opening).tick(1))
