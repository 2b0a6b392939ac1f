"""Group commit: durable before it returns, in order, within bounds, and 503 where it cannot."""

import asyncio
from collections.abc import Awaitable, Callable
from weakref import ref

import msgspec
import pytest

from collectors.errors import Overloaded
from collectors.producers.base import GroupCommit
from collectors.producers.lazy import LazyProducer
from collectors.producers.quota import QuotaProducer
from schemas.events import Event
from schemas.partitioner import partition_of
from schemas.rejects import Reason, Reject
from schemas.topics import EVENTS, MAX_RECORD_BYTES, REJECTS
from tests.collectors.writers import MemoryWriter


def event(number: int, device: str = "device", text: str = "") -> Event:
    return Event(
        type="track",
        message_id=str(number),
        site="s",
        time=1,
        received_at=1,
        anonymous_id=device,
        event=text,
    )


REJECT = Reject(
    id="r", reason=Reason.BAD_JSON, detail="", site="s", received_at=1, path="/", body=b"\xff"
)


def with_producer(
    writer: MemoryWriter,
    scenario: Callable[[GroupCommit], Awaitable[None]],
    *,
    partitions: int = 2,
    max_waiting: int = 1_000_000_000,
) -> None:
    """Run a scenario against a producer, then close it."""

    async def main() -> None:
        producer = GroupCommit(writer, partitions, max_waiting=max_waiting)
        await scenario(producer)
        writer.gate.set()
        await producer.close()

    asyncio.run(main())
    assert writer.closed


def test_what_was_appended_is_written_when_append_returns() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        await producer.append([event(1)], [REJECT])
        assert writer.events() == [event(1)]
        assert writer.rejects() == [REJECT]

    with_producer(writer, scenario)


def test_events_go_to_their_devices_partition_and_are_counted() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        await producer.append([event(n, f"device-{n % 5}") for n in range(50)], [])

    with_producer(writer, scenario, partitions=3)
    for record in writer.records:
        lines = [msgspec.json.decode(line, type=Event) for line in record.value.split(b"\n")]
        assert record.events == len(lines)
        assert {partition_of(line.anonymous_id, 3) for line in lines} == {record.partition}
    assert sum(record.events for record in writer.records) == 50


def test_requests_gather_while_a_commit_runs() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        writer.gate.clear()
        tasks = [asyncio.create_task(producer.append([event(n)], [])) for n in range(20)]
        await asyncio.sleep(0)
        writer.gate.set()
        await asyncio.gather(*tasks)

    with_producer(writer, scenario)
    assert writer.writes <= 2
    assert [one.message_id for one in writer.events()] == [str(n) for n in range(20)]


def test_nothing_is_promised_while_the_write_has_not_ended() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        writer.gate.clear()
        task = asyncio.create_task(producer.append([event(1)], []))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not task.done()
        assert producer.waiting > 0
        writer.gate.set()
        await task
        assert producer.waiting == 0

    with_producer(writer, scenario)


class Weighty(list[Event]):
    """A list that can be asked for by a weak reference."""


def test_events_are_not_held_while_they_are_written() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        async def opened() -> GroupCommit:
            return producer

        late = LazyProducer(opened)
        await late.open()
        writer.gate.clear()
        events = Weighty([event(1)])
        held, writing = ref(events), QuotaProducer(late, lambda: 1).append(events, [])
        del events
        task = asyncio.ensure_future(writing)
        del writing
        await asyncio.sleep(0)
        assert producer.waiting > 0
        assert held() is None
        writer.gate.set()
        await task

    with_producer(writer, scenario)
    assert writer.events() == [event(1)]


def test_a_tick_reaches_every_partition_of_events_after_what_came_before() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        before = asyncio.create_task(producer.append([event(1)], []))
        await asyncio.sleep(0)
        tick = asyncio.create_task(producer.tick(1_000))
        await asyncio.sleep(0)
        await asyncio.gather(before, tick, producer.append([event(2)], []))

    with_producer(writer, scenario)
    ticks = [record for record in writer.records if b'"tick"' in record.value]
    assert sorted(record.partition for record in ticks) == [0, 1]
    assert all(record.events == 0 and record.topic == EVENTS.name for record in ticks)
    home = partition_of("device", 2)
    kinds = [one.type for one in writer.events() if one.anonymous_id or one.type == "tick"]
    mine = [record.value for record in writer.records if record.partition == home]
    assert len(mine) == 3
    assert b'"tick"' in mine[1]
    assert kinds.count("tick") == 2


def test_no_record_is_larger_than_the_limit() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        await producer.append([event(n, text="x" * 30_000) for n in range(100)], [])

    with_producer(writer, scenario)
    assert max(len(record.value) for record in writer.records) <= MAX_RECORD_BYTES
    assert len(writer.records) == 4
    assert [one.message_id for one in writer.events()] == [str(n) for n in range(100)]


def test_too_many_bytes_waiting_are_refused_and_nothing_of_them_is_written() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        writer.gate.clear()
        first = asyncio.create_task(producer.append([event(1, text="x" * 800)], []))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await producer.append([event(2, text="x" * 800)], [])
        writer.gate.set()
        await first
        await producer.append([event(3, text="x" * 800)], [])

    with_producer(writer, scenario, max_waiting=1_200)
    assert [one.message_id for one in writer.events()] == ["1", "3"]


def test_a_failed_write_fails_its_requests_and_the_next_may_succeed() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        writer.broken = True
        with pytest.raises(Overloaded):
            await producer.append([event(1)], [])
        assert producer.trouble
        writer.broken = False
        await producer.append([event(2)], [])
        assert not producer.trouble

    with_producer(writer, scenario)


def test_while_a_broken_log_is_being_tried_others_are_refused_at_once() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        writer.broken = True
        with pytest.raises(Overloaded):
            await producer.tick(1)
        writer.gate.clear()
        trial = asyncio.create_task(producer.tick(2))
        for _ in range(3):
            await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await producer.append([event(1)], [])
        writer.broken = False
        writer.gate.set()
        await trial

    with_producer(writer, scenario)


def test_a_cancelled_request_does_not_disturb_the_others() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        writer.gate.clear()
        tasks = [asyncio.create_task(producer.append([event(n)], [])) for n in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        writer.gate.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(answers[1], asyncio.CancelledError)
        assert answers[0] is answers[2] is None

    with_producer(writer, scenario)


def test_closing_writes_what_is_gathered_and_refuses_more() -> None:
    writer = MemoryWriter()

    async def main() -> None:
        producer = GroupCommit(writer, 1)
        task = asyncio.create_task(producer.append([event(1)], []))
        await asyncio.sleep(0)
        await producer.close()
        await task
        with pytest.raises(Overloaded):
            await producer.append([event(2)], [])

    asyncio.run(main())
    assert [one.message_id for one in writer.events()] == ["1"]


def test_a_line_is_the_event_encoded_once() -> None:
    writer = MemoryWriter()

    async def scenario(producer: GroupCommit) -> None:
        await producer.append([], [REJECT])

    with_producer(writer, scenario)
    (record,) = writer.records
    assert (record.topic, record.value) == (REJECTS.name, msgspec.json.encode(REJECT))
