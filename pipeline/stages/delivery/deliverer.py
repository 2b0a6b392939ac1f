"""Sends pending triggers to the webhook: signed (Standard Webhooks), at least once, same id always.

The endpoint's URL is the operator's own setting. Redirects are failures; response bodies are ignored.
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
from pipeline.errors import LogUnavailable
from pipeline.masking import scrub, secrets_of
from pipeline.stages.delivery.stage import DeliveryState, Pending, agenda
from schemas import topics
from schemas.log_records import Append
from schemas.triggers import DeliveryResult, Trigger, cloud_event

log = structlog.get_logger()

TIMEOUT_SECONDS: Final = 20
CONCURRENT_ATTEMPTS: Final = 8
_QUEUE_LIMIT: Final = 64 * CONCURRENT_ATTEMPTS
"""Attempts queued by one scan of all that is pending."""
_ROUND_PAUSE_SECONDS: Final = 0.5


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


class _DeliveryQueue:
    """One partition task's deliveries: attempts to make, attempts made, results to write."""

    def __init__(self, task: PartitionTask) -> None:
        self.task = task
        self.attempts_made: dict[str, int] = {}  # by trigger id, until the fold has their results
        self.unsaved_results: list[DeliveryResult] = []
        self._pending: deque[Pending] = deque()
        self._applied_at_refill, self._next_due = -2, -inf

    def take(self, now: int) -> list[Pending]:
        """The next attempts. Scans the state only where that may find something new."""
        if not self._pending and (
            self.task.applied != self._applied_at_refill or self._next_due <= now
        ):
            self._refill(now)
        return [
            self._pending.popleft() for _ in range(min(CONCURRENT_ATTEMPTS, len(self._pending)))
        ]

    def _refill(self, now: int) -> None:
        state = cast(DeliveryState, self.task.state)
        self._applied_at_refill = self.task.applied
        self.attempts_made = {
            trigger: count
            for trigger, count in self.attempts_made.items()
            if trigger in state.pending
        }
        upcoming = agenda(state, now, self.attempts_made, _QUEUE_LIMIT)
        self._pending.extend(upcoming.due)
        self._next_due = upcoming.next_due


class Deliverer:
    """Attempts what is due in the delivery runner's partition tasks, and writes results to the log.

    Every attempt ends with a result: no address and no answer of an endpoint stops the loop.
    """

    def __init__(self, runner: Runner, url: str, secret: str, clock: Clock) -> None:
        self._runner, self._url, self._clock = runner, url, clock
        self._webhook, self._secrets = Webhook(secret), [*secrets_of(url), secret]
        self._queues: dict[int, _DeliveryQueue] = {}

    async def run(self) -> None:
        """Make rounds until cancelled."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self.round(session)
                await asyncio.sleep(_ROUND_PAUSE_SECONDS)

    async def round(self, session: aiohttp.ClientSession) -> None:
        """Up to CONCURRENT_ATTEMPTS in every partition task whose earlier results are in the log."""
        tasks = dict(self._runner.tasks)
        self._queues = {
            partition: queue
            if (queue := self._queues.get(partition)) and queue.task is task
            else _DeliveryQueue(task)
            for partition, task in tasks.items()
        }
        for partition, queue in self._queues.items():
            await self._attempt(session, partition, queue)

    async def _attempt(
        self, session: aiohttp.ClientSession, partition: int, queue: _DeliveryQueue
    ) -> None:
        if not await self._save(partition, queue):
            return  # what is attempted while the log is away could be lost, and done twice
        waiting = queue.take(self._clock())
        queue.unsaved_results = list(
            await asyncio.gather(*(self._deliver(session, pending) for pending in waiting))
        )
        queue.attempts_made |= {
            result.trigger_id: result.attempt for result in queue.unsaved_results
        }
        await self._save(partition, queue)

    async def _save(self, partition: int, queue: _DeliveryQueue) -> bool:
        """Whether all results are in the log now; those that are not are kept."""
        if not queue.unsaved_results:
            return True
        lines = b"\n".join(map(msgspec.json.encode, queue.unsaved_results))
        try:
            await self._runner.journal.append([Append(topics.TRIGGERS.name, partition, 0, lines)])
        except LogUnavailable as error:
            log.warning("results_not_written", results=len(queue.unsaved_results), error=str(error))
            return False
        queue.unsaved_results = []
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
    """Why there was no answer, for readers of the deliveries table.

    An error's own text is left out where it holds a URL: the webhook's, which may be a secret.
    """
    if isinstance(error, aiohttp.ClientConnectorError):
        is_refusal = isinstance(error.os_error, ConnectionRefusedError)
        cause = "Connection refused" if is_refusal else error.os_error.strerror or error.os_error
        return f"Cannot connect to {error.host}:{error.port}: {cause}."
    if isinstance(error, TimeoutError):
        return f"No answer within {TIMEOUT_SECONDS} s."
    message = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    text = " ".join(message.split())
    return type(error).__name__ + (f": {text}" if text and "://" not in text else "")
