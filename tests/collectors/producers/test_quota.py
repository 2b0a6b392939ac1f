"""The producer that keeps rejects within limits: what is written, counted and told, and when."""

import asyncio
from collections import Counter

import pytest
from msgspec.structs import replace

from collectors import limits
from collectors.errors import Overloaded
from collectors.producers.base import GroupCommit
from collectors.producers.quota import QuotaProducer
from collectors.producers.reject_quota import SUMMARY_INTERVAL_MS, QuotaSplit
from schemas.events import Event
from schemas.rejects import OVERHEAD, Reason, Reject
from tests.collectors.writers import MemoryWriter

NOON = 1_795_262_400_000
EVENT = Event(
    type="track",
    message_id="m",
    site="shop",
    time=NOON,
    received_at=NOON,
    corrected_time=NOON,
    anonymous_id="a",
)
JUNK = Reject(
    id="x",
    reason=Reason.BAD_JSON,
    detail="",
    site="shop",
    received_at=NOON,
    path="/v1/track",
    body=b"{",
)


@pytest.fixture(autouse=True)
def small_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REJECT_QUOTA_BYTES", 3 * (OVERHEAD + 1))


class Story:
    """A producer over a log in memory, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.writer, self.now = MemoryWriter(), NOON
        self.beyond: Counter[str] = Counter()
        self.producer = QuotaProducer(GroupCommit(self.writer, 1), lambda: self.now, self._hear)

    def _hear(self, refused: QuotaSplit) -> None:
        self.beyond.update(one.reason.value for one in refused.beyond)

    def details(self) -> list[str]:
        """What the summaries in the log begin with."""
        return [
            " ".join(one.detail.split()[:3])
            for one in self.writer.rejects()
            if one.reason is Reason.REJECTS_NOT_KEPT
        ]


def test_beyond_the_quota_rejects_are_counted_and_events_beside_them_kept() -> None:
    async def story() -> Story:
        told = Story()
        await told.producer.append([EVENT], [JUNK] * 5)
        return told

    told = asyncio.run(story())
    assert (len(told.writer.events()), len(told.writer.rejects())) == (1, 3)
    assert told.beyond == {"bad_json": 2}


def test_a_request_of_which_nothing_is_kept_does_not_touch_the_log() -> None:
    async def story() -> Story:
        told = Story()
        await told.producer.append([], [JUNK] * 3)
        for _ in range(100):
            await told.producer.append([], [JUNK])
        return told

    told = asyncio.run(story())
    assert (told.writer.writes, told.beyond) == (1, {"bad_json": 100})


def test_a_log_that_is_away_counts_nothing_and_costs_nothing() -> None:
    async def story() -> Story:
        told = Story()
        told.writer.broken = True
        for _ in range(4):
            with pytest.raises(Overloaded):
                await told.producer.append([EVENT], [JUNK] * 4)
        told.writer.broken = False
        await told.producer.append([EVENT], [JUNK] * 4)
        return told

    told = asyncio.run(story())
    assert (len(told.writer.rejects()), told.beyond) == (3, {"bad_json": 1})


def test_a_webhook_s_reject_that_cannot_be_kept_is_not_promised_nor_is_what_came_with_it() -> None:
    async def story() -> Story:
        told = Story()
        order = replace(JUNK, sender="webhook", path="/webhooks/shopify")
        await told.producer.append([], [JUNK] * 9)
        await told.producer.append([], [order] * 2)
        for _ in range(3):
            with pytest.raises(Overloaded):
                await told.producer.append([EVENT], [order] * 2)
        await told.producer.append([EVENT], [order])
        return told

    told = asyncio.run(story())
    assert [one.sender for one in told.writer.rejects()].count("webhook") == 3
    assert (len(told.writer.events()), told.beyond) == (1, {"bad_json": 6})


def test_the_minutes_tick_tells_and_one_that_fails_is_made_up_for() -> None:
    async def story() -> Story:
        told = Story()
        await told.producer.tick(told.now)
        await told.producer.append([], [JUNK] * 5)
        told.now += SUMMARY_INTERVAL_MS
        told.writer.broken = True
        with pytest.raises(Overloaded):
            await told.producer.tick(told.now)
        told.writer.broken = False
        await told.producer.append([], [JUNK])
        await told.producer.tick(told.now + 1_000)
        await told.producer.tick(told.now + 2_000)
        return told

    assert asyncio.run(story()).details() == ["3 of bad_json"]


def test_what_was_not_kept_is_told_when_the_collector_stops() -> None:
    async def story() -> Story:
        told = Story()
        await told.producer.append([], [JUNK] * 5)
        await told.producer.close()
        return told

    told = asyncio.run(story())
    assert told.details() == ["2 of bad_json"]
    assert told.writer.closed


def test_a_log_that_is_away_when_the_collector_stops_is_closed_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> Story:
        told = Story()
        await told.producer.append([], [JUNK] * 5)
        told.writer.broken = True
        await told.producer.close()
        return told

    assert asyncio.run(story()).writer.closed
    assert "'shop': 2 of bad_json" in caplog.text
