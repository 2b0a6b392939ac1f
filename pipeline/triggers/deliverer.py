"""Hands pending triggers to the webhook: signed (Standard Webhooks), at least once, same id always.

The endpoint's URL is the operator's own setting. Redirects are failures; response bodies are not
read into anything.
"""

import asyncio
from datetime import UTC, datetime
from typing import Final, cast

import aiohttp
import msgspec
import structlog
from standardwebhooks.webhooks import Webhook

from pipeline.clock import Clock
from pipeline.errors import LogUnavailable
from pipeline.runner import Runner
from pipeline.transports.contract import Append
from pipeline.triggers.stage import DeliveryState, Pending, due
from schemas import topics
from schemas.triggers import DeliveryResult, Trigger, cloud_event

log = structlog.get_logger()

TIMEOUT_SECONDS: Final = 20
AT_ONCE: Final = 8
_LOOK_SECONDS: Final = 0.5


def request_of(trigger: Trigger, webhook: Webhook, now: int) -> tuple[bytes, dict[str, str]]:
    """Body and headers of one delivery at `now`, ms."""
    body = msgspec.json.encode(cloud_event(trigger), order="deterministic")
    when = datetime.fromtimestamp(now / 1000, UTC)
    return body, {
        "content-type": "application/cloudevents+json",
        "webhook-id": trigger.id,
        "webhook-timestamp": str(now // 1000),
        "webhook-signature": webhook.sign(trigger.id, when, body.decode()),
    }


class Deliverer:
    """Attempts what is due in the delivery runner's lanes, and writes results to the log."""

    def __init__(self, runner: Runner, url: str, secret: str, clock: Clock) -> None:
        self._runner, self._url, self._clock = runner, url, clock
        self._webhook = Webhook(secret)
        self._attempted: dict[str, int] = {}  # trigger → attempts made, until the fold has them

    async def run(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                for partition, lane in list(self._runner.lanes.items()):
                    state = cast(DeliveryState, lane.state)
                    await self._attempt(session, partition, self._next(state))
                await asyncio.sleep(_LOOK_SECONDS)

    def _next(self, state: DeliveryState) -> list[Pending]:
        waiting = due(state, self._clock())
        known = {pending.trigger.id for _, pending in state.pending.items()}
        self._attempted = {key: n for key, n in self._attempted.items() if key in known}
        return [p for p in waiting if self._attempted.get(p.trigger.id, 0) <= p.attempts][:AT_ONCE]

    async def _attempt(
        self, session: aiohttp.ClientSession, partition: int, waiting: list[Pending]
    ) -> None:
        if not waiting:
            return
        results = await asyncio.gather(*(self._deliver(session, each) for each in waiting))
        lines = b"\n".join(map(msgspec.json.encode, results))
        try:
            await self._runner.journal.append([Append(topics.TRIGGERS.name, partition, 0, lines)])
        except LogUnavailable as error:
            log.warning("result_not_written", error=str(error))  # the attempts will be repeated
            return
        for each in waiting:
            self._attempted[each.trigger.id] = each.attempts + 1

    async def _deliver(self, session: aiohttp.ClientSession, pending: Pending) -> DeliveryResult:
        now, status, detail = self._clock(), 0, ""
        body, headers = request_of(pending.trigger, self._webhook, now)
        try:
            async with session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
                detail = "" if response.ok else f"The endpoint answered {status}."
        except (aiohttp.ClientError, TimeoutError) as error:
            detail = f"{type(error).__name__}: {error}"[:200]
        return DeliveryResult(
            trigger_id=pending.trigger.id, attempt=pending.attempts + 1, time=now,
            delivered=200 <= status < 300, status=status, detail=detail,
        )  # fmt: skip
