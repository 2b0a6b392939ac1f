"""Webhooks at the HTTP edge: durable before 200, and soon."""

import asyncio
import json
from time import perf_counter
from typing import Any

from collectors.endpoint import Endpoint
from collectors.metrics import Metrics
from collectors.producers.base import GroupCommit
from schemas.rejects import Reason
from tests.collectors.requests import SHOP
from tests.collectors.webhooks.samples import NOW, SHOPIFY_ORDER, delivery, router
from tests.collectors.writers import MemoryWriter


def call(
    writer: MemoryWriter, method: str, path: str, body: bytes = b"", headers: Any = None
) -> tuple[int, dict[str, str], bytes]:
    """One request, with header names in capitals as vendors write them."""
    return asyncio.run(_call(writer, method, path, body, headers or {}))


async def _call(
    writer: MemoryWriter, method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, str], bytes]:
    producer = GroupCommit(writer, 2)
    endpoint = Endpoint(
        producer,
        keys={"key": SHOP},
        clock=lambda: NOW,
        metrics=Metrics(),
        router=router(),
    )
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await endpoint(scope, receive, send)
    await producer.close()
    named = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], named, sent[1]["body"]


def post(writer: MemoryWriter, request: Any) -> tuple[int, dict[str, str], bytes]:
    return call(writer, "POST", request.path, request.body, dict(request.headers))


def test_a_verified_order_is_in_the_log_when_200_is_said_and_within_a_second() -> None:
    writer = MemoryWriter()
    began = perf_counter()
    status, _, body = post(writer, delivery("shopify", SHOPIFY_ORDER, "orders/paid"))
    assert perf_counter() - began < 1
    assert (status, json.loads(body)) == (200, {"success": True})
    (event,) = writer.events()
    assert (event.type, event.site, event.anonymous_id) == ("purchase", "shop", "browser-1")


def test_an_unsigned_order_is_401_and_a_reject_in_the_log() -> None:
    writer = MemoryWriter()
    request = delivery("shopify", SHOPIFY_ORDER, "orders/paid")
    status, _, body = call(writer, "POST", request.path, request.body)
    assert status == 401
    assert json.loads(body)["reasons"][0]["reason"] == "bad_signature"
    assert [one.reason for one in writer.rejects()] == [Reason.BAD_SIGNATURE]
    assert writer.events() == []


def test_a_log_that_is_away_is_503_so_that_the_vendor_tries_again() -> None:
    writer = MemoryWriter()
    writer.broken = True
    status, headers, _ = post(writer, delivery("shopify", SHOPIFY_ORDER, "orders/paid"))
    assert status == 503
    assert "retry-after" in headers


def test_intercom_s_question_whether_anybody_is_there_is_answered() -> None:
    assert call(MemoryWriter(), "HEAD", "/webhooks/intercom/shop")[0] == 200
    assert call(MemoryWriter(), "HEAD", "/webhooks/paypal/shop")[0] == 404


def test_other_methods_and_vendors_are_not_served() -> None:
    assert call(MemoryWriter(), "GET", "/webhooks/shopify/shop")[0] == 405
    assert call(MemoryWriter(), "POST", "/webhooks/paypal/shop", b"{}")[0] == 404
