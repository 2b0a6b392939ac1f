"""What Prometheus hears of refusals: what is in the log and what was only counted, apart."""

import asyncio
from typing import Any

import pytest

from collectors import limits
from collectors.endpoint import Endpoint
from collectors.metrics import Metrics
from collectors.producers.base import GroupCommit
from collectors.producers.quota import QuotaProducer
from schemas.rejects import OVERHEAD, Reason, Reject
from tests.collectors.writers import MemoryWriter

NOON = 1_795_262_400_000
GOOD = b'{"type":"track","anonymousId":"a","event":"Seen"}'
BAD = b'{"type":"?"}'
JUNK = Reject(
    id="x",
    reason=Reason.BAD_JSON,
    detail="",
    site="",
    received_at=NOON,
    path="/v1/track",
    body=b"{",
)


def posted(*requests: tuple[str, bytes]) -> tuple[Metrics, list[int]]:
    """The metrics after these POSTs, each a path and a body, and the statuses of their answers."""

    async def story() -> tuple[Metrics, list[int]]:
        metrics, statuses = Metrics(), list[int]()
        producer = QuotaProducer(GroupCommit(MemoryWriter(), 1), lambda: NOON, metrics.refused)
        endpoint = Endpoint(producer, keys={}, clock=lambda: NOON, metrics=metrics)

        async def send(message: Any) -> None:
            statuses.extend([message["status"]] if "status" in message else [])

        for path, body in requests:

            async def receive(body: bytes = body) -> Any:
                return {"type": "http.request", "body": body}

            scope = {
                "type": "http",
                "method": "POST",
                "path": path,
                "query_string": b"",
                "headers": [],
            }
            await endpoint(scope, receive, send)
        await producer.close()
        return metrics, statuses

    return asyncio.run(story())


def test_rejects_in_the_log_and_those_only_counted_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "REJECT_QUOTA_BYTES", 2 * (OVERHEAD + len(BAD)))
    batch = b'{"batch":[%s,%s,%s,%s]}' % (BAD, GOOD, BAD, BAD)
    metrics, statuses = posted(("/v1/batch", batch), ("/webhooks/stripe/shop", b"{"))
    text = metrics.text().decode()
    assert statuses == [200, 401]
    assert 'footfall_collector_rejects_total{reason="unknown_type"} 2.0' in text
    assert 'footfall_collector_rejects_not_kept_total{reason="unknown_type"} 1.0' in text
    assert 'footfall_collector_rejects_total{reason="bad_signature"} 1.0' in text, (
        "a stranger's quota"
    )
    assert "footfall_collector_events_total 1.0" in text


def test_a_count_never_falls_whoever_asks_when(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REJECT_QUOTA_BYTES", 0)
    metrics = Metrics()

    async def refuse() -> None:
        producer = QuotaProducer(GroupCommit(MemoryWriter(), 1), lambda: NOON, metrics.refused)
        await producer.append([], [JUNK, JUNK])

    asyncio.run(refuse())
    text = metrics.text().decode()
    assert "footfall_collector_rejects_total{" not in text
    assert 'footfall_collector_rejects_not_kept_total{reason="bad_json"} 2.0' in text
