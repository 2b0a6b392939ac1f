"""The HTTP edge, called in process: what is promised, refused and allowed to whom."""

import asyncio
import gzip
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest

from collectors import limits
from collectors.endpoint import Endpoint
from collectors.metrics import Metrics
from collectors.producers.base import GroupCommit
from collectors.producers.quota import QuotaProducer
from schemas.keys import Keys, WriteKey, browser_keys, server_keys
from schemas.rejects import Reason
from tests.collectors.writers import MemoryWriter

NOW = 1_795_255_200_000
EVENT = b'{"type":"track","anonymousId":"a","event":"Seen"}'


Call = tuple[str, str, bytes | list[bytes], dict[str, str]]
"""Method, target, body and headers."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Collector:
    """An endpoint over a log in memory; each call is a whole request."""

    def __init__(
        self,
        *,
        keys: Keys | None = None,
        max_waiting: int = limits.MAX_WAITING,
    ) -> None:
        self.writer, self.metrics = MemoryWriter(), Metrics()
        self._keys, self._max_waiting = keys or {}, max_waiting

    def call(
        self,
        method: str,
        target: str,
        body: bytes | list[bytes] = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        return self.calls((method, target, body, headers or {}))[0]

    def calls(self, *requests: Call) -> list[Answer]:
        """One after the other, to the same endpoint."""
        return asyncio.run(self._calls(requests))

    async def _calls(self, requests: Iterable[Call]) -> list[Answer]:
        log = GroupCommit(self.writer, 2, max_waiting=self._max_waiting)
        producer = QuotaProducer(log, lambda: NOW, self.metrics.refused)
        endpoint = Endpoint(producer, keys=self._keys, clock=lambda: NOW, metrics=self.metrics)
        answers = [await self._call(endpoint, *request) for request in requests]
        await producer.close()
        return answers

    async def _call(
        self,
        endpoint: Endpoint,
        method: str,
        target: str,
        body: bytes | list[bytes],
        headers: dict[str, str],
    ) -> Answer:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [
                (name.encode(), line.encode())
                for name, lines in headers.items()
                for line in lines.split("\n")
            ],
        }
        parts = body if isinstance(body, list) else [body]
        incoming = [
            {"type": "http.request", "body": part, "more_body": place < len(parts) - 1}
            for place, part in enumerate(parts)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return incoming.pop(0) if incoming else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await endpoint(scope, receive, send)
        if not sent:
            return Answer(0, {}, b"")
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], headers, sent[1]["body"])


def test_a_taken_event_is_in_the_log_when_200_is_said() -> None:
    collector = Collector()
    answer = collector.call("POST", "/v1/track", EVENT)
    assert (answer.status, json.loads(answer.body)) == (200, {"success": True})
    assert [one.event for one in collector.writer.events()] == ["Seen"]
    assert collector.writer.events()[0].received_at == NOW


def test_the_visitors_address_is_what_a_near_proxy_says_of_it() -> None:
    collector = Collector()
    headers = {"user-agent": "Mozilla/5.0 (X11; Linux)", "x-forwarded-for": "1.1.1.1, 203.0.113.9"}
    assert collector.call("POST", "/v1/track", EVENT, headers).status == 200
    assert [one.ip for one in collector.writer.events()] == ["203.0.113.0"]


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ({}, "203.0.113.0"),
        ({"sp-anonymous": "*"}, ""),
        ({"x-ip-policy": "remove"}, ""),
        ({"x-ip-policy": "stripLastOctet"}, ""),
        ({"x-ip-policy": "keep"}, "203.0.113.0"),
    ],
)
def test_who_asks_for_anonymity_leaves_no_address(header: dict[str, str], kept: str) -> None:
    collector = Collector()
    headers = {"user-agent": "Mozilla/5.0 (X11; Linux)", "x-forwarded-for": "203.0.113.9", **header}
    said = b'{"type":"track","anonymousId":"a","event":"Seen","context":{"ip":"203.0.113.7"}}'
    for body in (EVENT, said):
        assert collector.call("POST", "/v1/track", body, headers).status == 200
    assert [one.ip for one in collector.writer.events()] == [kept, kept]


def test_a_proxy_may_add_a_line_of_its_own_to_a_header() -> None:
    collector = Collector()
    headers = {
        "user-agent": "Mozilla/5.0 (X11; Linux)",
        "x-forwarded-for": "198.51.100.7\n10.0.0.2",
    }
    assert collector.call("POST", "/v1/track", EVENT, headers).status == 200
    assert [one.ip for one in collector.writer.events()] == ["198.51.100.0"]


def test_a_refused_request_is_a_4xx_and_its_reject_is_in_the_log() -> None:
    collector = Collector()
    answer = collector.call("POST", "/v1/track", b"no json")
    assert answer.status == 400
    assert json.loads(answer.body)["reasons"][0]["reason"] == "bad_json"
    (reject,) = collector.writer.rejects()
    assert (reject.reason, reject.body) == (Reason.BAD_JSON, b"no json")


def test_a_batch_with_a_bad_event_is_taken_and_tells_of_it() -> None:
    collector = Collector()
    answer = collector.call("POST", "/v1/batch", b'{"batch":[%s,{"type":"?"}]}' % EVENT)
    told = json.loads(answer.body)
    assert (answer.status, told["accepted"], told["rejected"]) == (200, 1, 1)


def test_a_log_that_cannot_be_written_is_503_with_retry_after() -> None:
    collector = Collector()
    collector.writer.broken = True
    answer = collector.call("POST", "/v1/track", EVENT)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert collector.metrics.events == 0


def test_too_much_waiting_is_503_even_for_a_refusal() -> None:
    assert Collector(max_waiting=10).call("POST", "/v1/track", b"no json").status == 503


def test_a_body_in_parts_is_one_body() -> None:
    collector = Collector()
    parts = [EVENT[place : place + 7] for place in range(0, len(EVENT), 7)]
    assert collector.call("POST", "/v1/track", parts).status == 200
    assert len(collector.writer.events()) == 1


def test_a_body_over_the_limit_is_413_and_not_read_to_its_end() -> None:
    collector = Collector()
    parts = [b"x" * 1_000_000] * 100
    assert collector.call("POST", "/v1/track", parts).status == 413
    (reject,) = collector.writer.rejects()
    assert (reject.reason, reject.cut) == (Reason.BODY_TOO_LARGE, True)


def test_too_many_bytes_arriving_at_once_are_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.limits.MAX_READING", 10)
    assert Collector().call("POST", "/v1/track", [EVENT, EVENT]).status == 503


def test_a_sender_that_goes_away_is_not_answered_and_promised_nothing() -> None:
    collector = Collector()
    scope_only: list[bytes] = []
    assert collector.call("POST", "/v1/track", scope_only).status == 0
    assert collector.writer.writes == 0


def test_gzip_and_a_wrong_content_type_are_read_all_the_same() -> None:
    collector = Collector()
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert collector.call("POST", "/v1/track", gzip.compress(EVENT), form).status == 200


def test_a_beacons_key_is_in_the_query() -> None:
    collector = Collector(keys={"k y": WriteKey("shop")})
    target = "/v1/batch?writeKey=k%20y"
    assert collector.call("POST", target, b'{"batch":[%s]}' % EVENT).status == 200
    assert collector.writer.events()[0].site == "shop"
    assert collector.call("POST", "/v1/track", EVENT).status == 401


def test_a_preflight_allows_what_sdks_send() -> None:
    origin = {"origin": "https://shop.example"}
    answer = Collector().call("OPTIONS", "/v1/track", headers=origin)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    wanted = {
        "authorization",
        "content-type",
        "anonymousid",
        "sentat",
        "x-write-key",
        "x-retry-count",
    }
    assert wanted <= set(allowed)


@pytest.mark.parametrize(("status", "body"), [(200, EVENT), (400, b"{")])
def test_answers_carry_cors_headers_too(status: int, body: bytes) -> None:
    answer = Collector().call("POST", "/v1/track", body, {"origin": "https://a.b"})
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "https://a.b"


def test_only_listed_origins_are_allowed_where_some_are_listed() -> None:
    collector = Collector(keys=browser_keys("key:shop origin=https://good.example"))
    good = collector.call("POST", "/v1/track", EVENT, {"origin": "https://good.example"})
    bad = collector.call("POST", "/v1/track", EVENT, {"origin": "https://evil.example"})
    assert "access-control-allow-origin" in good.headers
    assert "access-control-allow-origin" not in bad.headers


@pytest.mark.parametrize("path", ["/metrics", "/ready", "/health"])
def test_the_operators_pages_are_not_for_other_sites(path: str) -> None:
    answer = Collector().call("GET", path, headers={"origin": "https://a.b"})
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


def test_the_snippet_is_served_to_every_page() -> None:
    answer = Collector().call("GET", "/footfall.js", headers={"origin": "https://a.b"})
    assert answer.headers["content-type"].startswith("text/javascript")
    assert b"sendBeacon" in answer.body


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/", 404, "Events go to /v1/batch"),
        ("POST", "/v1/nothing", 404, "Events go to /v1/batch"),
        ("GET", "/v1/track", 405, "This path takes POST"),
        ("PUT", "/health", 405, "This path takes GET"),
        ("PUT", "/webhooks/shopify/shop", 405, "This path takes POST"),
    ],
)
def test_what_is_not_served_says_what_is(method: str, path: str, status: int, told: str) -> None:
    answer = Collector().call(method, path)
    assert answer.status == status
    assert json.loads(answer.body)["detail"].startswith(told)
    assert ("allow" in answer.headers) == (status == 405)


def test_a_key_over_its_rate_is_told_when_to_come_again() -> None:
    collector = Collector(keys=browser_keys("key:shop rate=1"))
    headers = {"x-write-key": "key"}
    answers = collector.calls(*(("POST", "/v1/track", EVENT, headers) for _ in range(12)))
    told = json.loads(answers[-1].body)
    assert (answers[-1].status, told["success"], told["reason"]) == (429, False, "over_rate")
    assert told["detail"].endswith(f"again after {answers[-1].headers['retry-after']} s")


def test_metrics_count_requests_events_and_rejects() -> None:
    collector = Collector()
    collector.call("POST", "/v1/track", EVENT)
    collector.call("POST", "/v1/track", b"{}")
    text = collector.call("GET", "/metrics").body.decode()
    assert 'footfall_collector_requests_total{status="200"} 1.0' in text
    assert 'footfall_collector_requests_total{status="400"} 1.0' in text
    assert 'footfall_collector_rejects_total{reason="missing_id"} 1.0' in text
    assert "footfall_collector_events_total 1.0" in text


def test_readiness_follows_the_log() -> None:
    async def scenario() -> list[int]:
        writer = MemoryWriter()
        producer = GroupCommit(writer, 1)
        endpoint = Endpoint(producer, keys={}, clock=lambda: NOW, metrics=Metrics())
        statuses: list[int] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": EVENT}

        async def send(message: Any) -> None:
            statuses.extend([message["status"]] if "status" in message else [])

        def scope(method: str, path: str) -> dict[str, Any]:
            return {
                "type": "http",
                "method": method,
                "path": path,
                "query_string": b"",
                "headers": [],
            }

        for broken in (False, True, False):
            writer.broken = broken
            await endpoint(scope("POST", "/v1/track"), receive, send)
            await endpoint(scope("GET", "/ready"), receive, send)
        await producer.close()
        return statuses

    assert asyncio.run(scenario()) == [200, 200, 503, 503, 200, 200]


def test_a_servers_key_is_not_kept_with_what_was_refused() -> None:
    collector = Collector(keys=server_keys("s3cret:shop"))
    collector.call("POST", "/v1/batch", b'{"writeKey":"s3cret","batch":7}')
    (reject,) = collector.writer.rejects()
    assert reject.body == b'{"writeKey":"***","batch":7}'
