"""What goes over the wire: a CloudEvent, signed so that the stock library accepts it; and when."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import cast

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from pipeline.engine.runner import Runner
from pipeline.errors import LogUnavailable
from pipeline.stages.delivery.deliverer import CONCURRENT_ATTEMPTS, Deliverer, request_of
from pipeline.stages.delivery.stage import PAUSES_SECONDS, Pending
from schemas.log_records import Append
from schemas.triggers import DeliveryResult, Trigger
from tests.pipeline.stages.delivery.test_stage import NOW, DeliveryFold, trigger

Rounds = Callable[..., Awaitable[None]]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def now() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def test_the_stock_library_verifies_a_delivery() -> None:
    body, headers = request_of(trigger(), Webhook(SECRET), now())
    event = Webhook(SECRET).verify(body.decode(), headers)
    assert event["type"] == "footfall.repurchase.due"
    assert event["data"]["evidence"] == {"days": 29}


def test_a_changed_body_is_refused() -> None:
    body, headers = request_of(trigger(), Webhook(SECRET), now())
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.decode().replace("29", "30"), headers)


def test_two_attempts_have_the_same_id_and_body() -> None:
    first, early = request_of(trigger(), Webhook(SECRET), now())
    second, late = request_of(trigger(), Webhook(SECRET), now() + 60_000)
    assert first == second
    assert early["webhook-id"] == late["webhook-id"] == "t1"


def test_the_body_is_a_cloud_event_in_version_one() -> None:
    body, headers = request_of(trigger(), Webhook(SECRET), now())
    event = msgspec.json.decode(body)
    assert headers["content-type"] == "application/cloudevents+json"
    assert {"specversion", "id", "source", "type", "subject", "time"} <= set(event)
    assert event["time"] == "2025-10-09T08:53:20.000Z"


class Journal:
    """A log that can be away. What is appended, the partition task folds in on request."""

    def __init__(self) -> None:
        self.away = False
        self.results: list[DeliveryResult] = []

    async def append(self, appends: Sequence[Append]) -> None:
        if self.away:
            raise LogUnavailable("the disk is full")
        for append in appends:
            self.results += msgspec.json.decode(
                b"[" + append.value.replace(b"\n", b",") + b"]", type=list[DeliveryResult]
            )


class PartitionTask:
    """A partition task of `delivery`; `scans` counts how often all that is pending was read."""

    def __init__(self, delivery: DeliveryFold) -> None:
        self.delivery, self.state, self.applied, self.scans = delivery, delivery.state, 0, 0
        each_pending = self.state.pending.each

        def counted() -> Iterator[tuple[str, Pending]]:
            self.scans += 1
            return each_pending()

        self.state.pending.each = counted  # type: ignore[method-assign]

    def fold(self, *messages: msgspec.Struct) -> None:
        self.delivery(*messages)
        self.applied += 1


class World:
    """A deliverer before an endpoint that answers `status`, and a clock that stands at `now`."""

    def __init__(self, *triggers: Trigger) -> None:
        self.task, self.journal = PartitionTask(DeliveryFold()(*triggers)), Journal()
        self.now, self.status = NOW, 204
        self.posted: list[str] = []
        self.tasks = {0: self.task}

    async def hook(self, request: web.Request) -> web.Response:
        self.posted.append(request.headers["webhook-id"])
        return web.Response(status=self.status)

    def play(self, scenario: Callable[[Rounds], Awaitable[None]]) -> None:
        async def run() -> None:
            app = web.Application()
            app.router.add_post("/", self.hook)
            async with TestServer(app) as server, aiohttp.ClientSession() as session:
                runner = cast(Runner, self)
                url = str(server.make_url("/"))
                deliverer = Deliverer(runner, url, SECRET, lambda: self.now)

                async def rounds(count: int = 1) -> None:
                    for _ in range(count):
                        await deliverer.round(session)

                await scenario(rounds)

        asyncio.run(run())


def test_while_the_log_is_away_a_delivery_is_not_repeated_but_its_result_is_kept() -> None:
    world = World(trigger())

    async def scenario(rounds: Rounds) -> None:
        world.journal.away = True
        await rounds(5)
        world.journal.away = False
        await rounds(3)

    world.play(scenario)
    assert world.posted == ["t1"]
    assert [(r.trigger_id, r.attempt, r.delivered) for r in world.journal.results] == [
        ("t1", 1, True)
    ]


def test_while_the_log_is_away_nothing_new_is_attempted() -> None:
    world = World(*(trigger(f"t{n:02}", n, NOW + n) for n in range(CONCURRENT_ATTEMPTS + 1)))

    async def scenario(rounds: Rounds) -> None:
        world.journal.away = True
        await rounds(3)
        assert len(world.posted) == CONCURRENT_ATTEMPTS
        world.journal.away = False
        await rounds(2)

    world.play(scenario)
    assert world.posted == [f"t{n:02}" for n in range(CONCURRENT_ATTEMPTS + 1)]


def test_a_failed_attempt_is_made_again_when_its_pause_is_over() -> None:
    world = World(trigger())
    world.status = 500

    async def scenario(rounds: Rounds) -> None:
        await rounds(3)
        world.task.fold(*world.journal.results)
        await rounds(3)
        assert world.posted == ["t1"]
        world.now += PAUSES_SECONDS[0] * 1000
        await rounds(3)

    world.play(scenario)
    assert world.posted == ["t1", "t1"]
    assert [result.attempt for result in world.journal.results] == [1, 2]


def test_pending_triggers_are_scanned_only_where_that_may_find_something() -> None:
    world = World(*(trigger(f"t{n:02}", n) for n in range(3 * CONCURRENT_ATTEMPTS)))

    async def scenario(rounds: Rounds) -> None:
        await rounds(20)
        assert world.task.scans == 1
        world.task.fold(trigger("late", 99))
        await rounds(20)

    world.play(scenario)
    assert world.task.scans == 2
    assert len(world.posted) == 3 * CONCURRENT_ATTEMPTS + 1


def test_a_partition_that_came_back_is_scanned_afresh() -> None:
    world = World(trigger())

    async def scenario(rounds: Rounds) -> None:
        await rounds()
        world.tasks = {
            0: PartitionTask(DeliveryFold()(trigger()))
        }  # another worker had it, and wrote no result
        await rounds()

    world.play(scenario)
    assert world.posted == ["t1", "t1"]


def test_an_endpoint_that_is_away_is_named_in_plain_words() -> None:
    world = World(trigger())

    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            runner = cast(Runner, world)
            await Deliverer(runner, "http://127.0.0.1:1/", SECRET, lambda: world.now).round(session)

    asyncio.run(run())
    (result,) = world.journal.results
    assert (result.status, result.delivered) == (0, False)
    assert result.detail == "Cannot connect to 127.0.0.1:1: Connection refused."
