"""Hands pending triggers to the webhook: signed (Standard Webhooks), at least once, same id always.

The endpoint's URL is the operator's own setting. Redirects are failures; response bodies are not
read into anything.
"""

import asyncio
from collections import deque
from datetime import UTC, datetime
from math import inf
from typing import Final, cast

import aiohttp
import msgspec
import structlog
from standardwebhooks.webhooks import Webhook

from pipeline.clock import Clock
from pipeline.engine.partition_task import PartitionTask
from pipeline.engine.runner import Runner
from pipeline.engine.transports.contract import Append
from pipeline.errors import LogUnavailable
from pipeline.masking import scrub, secrets_of
from pipeline.stages.delivery.stage import DeliveryState, Pending, agenda
from schemas import topics
from schemas.triggers import DeliveryResult, Trigger, cloud_event

log = structlog.get_logger()

TIMEOUT_SECONDS: Final = 20
AT_ONCE: Final = 8
_QUEUED: Final = 64 * AT_ONCE
"""Attempts taken up by one look through all that is pending."""
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


class _Desk:
    """What is under way for one partition task: attempts to make, attempts made, results to write."""

    def __init__(self, task: PartitionTask) -> None:
        self.task = task
        self.attempted: dict[str, int] = {}  # trigger → attempts made, until the fold has them
        self.unsaved: list[DeliveryResult] = []
        self._queue: deque[Pending] = deque()
        self._applied, self._next = -2, -inf

    def take(self, now: int) -> list[Pending]:
        """The next attempts. Looks through the state only where that may find something new."""
        if not self._queue and (self.task.applied != self._applied or self._next <= now):
            self._look(now)
        return [self._queue.popleft() for _ in range(min(AT_ONCE, len(self._queue)))]

    def _look(self, now: int) -> None:
        state = cast(DeliveryState, self.task.state)
        self._applied = self.task.applied
        self.attempted = {key: made for key, made in self.attempted.items() if key in state.pending}
        found = agenda(state, now, self.attempted, _QUEUED)
        self._queue.extend(found.due)
        self._next = found.next


class Deliverer:
    """Attempts what is due in the delivery runner's partition tasks, and writes results to the log.

    Whatever becomes of an attempt is a result: nothing that an address or an endpoint does ends it.
    """

    def __init__(self, runner: Runner, url: str, secret: str, clock: Clock) -> None:
        self._runner, self._url, self._clock = runner, url, clock
        self._webhook, self._secrets = Webhook(secret), [*secrets_of(url), secret]
        self._desks: dict[int, _Desk] = {}

    async def run(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self.round(session)
                await asyncio.sleep(_LOOK_SECONDS)

    async def round(self, session: aiohttp.ClientSession) -> None:
        """Some attempts in every partition task that has any to make and whose results could be written."""
        tasks = dict(self._runner.tasks)
        self._desks = {
            partition: desk
            if (desk := self._desks.get(partition)) and desk.task is task
            else _Desk(task)
            for partition, task in tasks.items()
        }
        for partition, desk in self._desks.items():
            await self._attempt(session, partition, desk)

    async def _attempt(self, session: aiohttp.ClientSession, partition: int, desk: _Desk) -> None:
        if not await self._save(partition, desk):
            return  # what is attempted while the log is away could be lost, and done twice
        waiting = desk.take(self._clock())
        desk.unsaved = list(
            await asyncio.gather(*(self._deliver(session, each) for each in waiting))
        )
        desk.attempted |= {result.trigger_id: result.attempt for result in desk.unsaved}
        await self._save(partition, desk)

    async def _save(self, partition: int, desk: _Desk) -> bool:
        """Whether all results are in the log now; those that are not are kept."""
        if not desk.unsaved:
            return True
        lines = b"\n".join(map(msgspec.json.encode, desk.unsaved))
        try:
            await self._runner.journal.append([Append(topics.TRIGGERS.name, partition, 0, lines)])
        except LogUnavailable as error:
            log.warning("results_not_written", results=len(desk.unsaved), error=str(error))
            return False
        desk.unsaved = []
        return True

    async def _deliver(self, session: aiohttp.ClientSession, pending: Pending) -> DeliveryResult:
        now, status, detail = self._clock(), 0, ""
        body, headers = request_of(pending.trigger, self._webhook, now)
        try:
            async with session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
                detail = "" if response.ok else f"The endpoint answered {status}."
        except Exception as error:  # noqa: BLE001  # no address and no answer may end the worker
            detail = scrub(_cause(error), self._secrets)[:200]
        return DeliveryResult(
            trigger_id=pending.trigger.id,
            attempt=pending.attempts + 1,
            time=now,
            delivered=200 <= status < 300,
            status=status,
            detail=detail,
        )


def _cause(error: Exception) -> str:
    """Why there was no answer, for whoever looks at deliveries.

    Of an error's own text only what names no URL: it would be the hook's, which may be a secret.
    """
    if isinstance(error, aiohttp.ClientConnectorError):
        refused = isinstance(error.os_error, ConnectionRefusedError)
        why = "Connection refused" if refused else error.os_error.strerror or error.os_error
        return f"Cannot connect to {error.host}:{error.port}: {why}."
    if isinstance(error, TimeoutError):
        return f"No answer within {TIMEOUT_SECONDS} s."
    told = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    text = " ".join(told.split())
    return type(error).__name__ + (f": {text}" if text and "://" not in text else "")
