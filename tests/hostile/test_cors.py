"""Which pages may talk to a collector and read what it says: every kind of path, every kind of origin."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import pytest

from collectors.endpoint import Endpoint
from collectors.metrics import Metrics
from collectors.producers.base import GroupCommit, NullWriter
from collectors.webhooks.router import Router
from schemas.keys import Keys, browser_keys, server_keys
from tests.collectors.requests import NOW

EVENT: Final = b'{"type":"track","anonymousId":"a","event":"Seen"}'
SHOP: Final = "https://shop.example"
LOCAL: Final = "http://localhost:3000"
BOUND: Final = browser_keys(f"k:shop origin={SHOP}, l:shop origin={LOCAL}") | server_keys("s:shop")
MIXED: Final = BOUND | browser_keys("free:shop")
ORIGINS: Final = {
    "none": None,
    "an allowed one": SHOP,
    "another key's": LOCAL,
    "a stranger's": "https://evil.example",
    "null": "null",
    "another port": f"{SHOP}:8443",
    "the usual port, said": f"{SHOP}:443",
    "another scheme": "http://shop.example",
    "a subdomain": "https://www.shop.example",
    "in capitals": "https://SHOP.example",
    "with more behind it": f"{SHOP}.evil.example",
    "with more before it": "https://evilshop.example",
    "with a user before it": f"{SHOP}@evil.example",
    "with a path": f"{SHOP}/cart",
    "with a slash": f"{SHOP}/",
    "two at once": f"{SHOP} {LOCAL}",
    "an asterisk": "*",
    "empty": "",
}
FOR_PAGES: Final = {
    "batch": "/v1/batch",
    "single": "/v1/track",
    "Snowplow": "/com.snowplowanalytics.snowplow/tp2",
    "PostHog": "/e/",
    "Jitsu": "/api/s/track",
    "beacon": "/beacon/v1/batch",
    "pixel": "/v1/pixel/track",
    "snippet": "/footfall.js",
    "device": "/footfall.js?id=abcdefgh",
    "settings": "/v1/projects/k/settings",
    "flags": "/flags",
}
FOR_OTHERS: Final = {
    "health": "/health",
    "ready": "/ready",
    "metrics": "/metrics",
    "webhook": "/webhooks/shopify/shop",
    "webhook of nobody": "/webhooks/nobody",
}
METHODS: Final = ("OPTIONS", "POST", "GET")
KNOWN_HEADERS: Final = {
    "authorization",
    "content-type",
    "content-encoding",
    "anonymousid",
    "sentat",
    "x-write-key",
    "x-retry-count",
    "x-ip-policy",
    "sp-anonymous",
}


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]

    @property
    def cors(self) -> dict[str, str]:
        """Its Access-Control-… headers."""
        found = [pair for pair in self.headers if pair[0].startswith("access-control-")]
        assert len(dict(found)) == len(found), "the same header twice"
        return dict(found)

    @property
    def varies(self) -> bool:
        """Whether a cache must keep it apart for every origin."""
        return ("vary", "origin") in self.headers


def asked(
    keys: Keys, target: str, origin: str | None, methods: Iterable[str] = METHODS
) -> list[Answer]:
    """One answer for each method."""
    return asyncio.run(_asked(keys, target, origin, methods))


async def _asked(
    keys: Keys, target: str, origin: str | None, methods: Iterable[str]
) -> list[Answer]:
    producer = GroupCommit(NullWriter(), 1)
    endpoint = Endpoint(
        producer,
        keys=keys,
        clock=lambda: NOW,
        metrics=Metrics(),
        router=Router.of(["shopify:shop=hush"]),
    )
    answers = [await _answer(endpoint, method, target, origin) for method in methods]
    await producer.close()
    return answers


async def _answer(endpoint: Endpoint, method: str, target: str, origin: str | None) -> Answer:
    path, _, query = target.partition("?")
    headers = [
        (b"x-write-key", b"k"),
        (b"sec-fetch-site", b"same-site"),
        (b"sec-fetch-dest", b"empty"),
    ]
    headers += [] if origin is None else [(b"origin", origin.encode())]
    if method == "OPTIONS":
        headers += [
            (b"access-control-request-method", b"POST"),
            (b"access-control-request-headers", b"x-evil, cookie"),
        ]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        "client": ("127.0.0.1", 9),
    }
    started: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": EVENT if method == "POST" else b""}

    async def send(message: Any) -> None:
        started.append(message)

    await endpoint(scope, receive, send)
    named = [(name.decode(), value.decode()) for name, value in started[0]["headers"]]
    return Answer(started[0]["status"], named)


def expected(origin: str | None, allowed: bool, method: str) -> dict[str, str]:
    """The CORS headers of an answer to a page."""
    if origin is None or not allowed:
        return {}
    found = {"access-control-allow-origin": origin, "access-control-allow-credentials": "true"}
    if method == "OPTIONS":
        found |= {
            "access-control-allow-methods": "POST, GET, OPTIONS",
            "access-control-max-age": "86400",
        }
    return found


def check(answer: Answer, origin: str | None, allowed: bool, method: str) -> None:
    cors = answer.cors
    headers = cors.pop("access-control-allow-headers", None)
    assert cors == expected(origin, allowed, method)
    assert (headers is not None) == ("access-control-max-age" in cors)
    assert headers is None or set(headers.split(", ")) == KNOWN_HEADERS
    assert answer.varies


@pytest.mark.parametrize("name", ORIGINS)
@pytest.mark.parametrize("kind", FOR_PAGES)
def test_only_pages_that_a_key_is_bound_to_may_read_answers(kind: str, name: str) -> None:
    origin = ORIGINS[name]
    for method, answer in zip(METHODS, asked(BOUND, FOR_PAGES[kind], origin), strict=True):
        check(answer, origin, origin in (SHOP, LOCAL), method)


@pytest.mark.parametrize("name", ORIGINS)
@pytest.mark.parametrize("kind", ["batch", "pixel", "snippet", "device"])
@pytest.mark.parametrize("keys", [MIXED, {}], ids=["a key for any page", "no keys"])
def test_every_page_may_where_a_key_is_bound_to_none(keys: Keys, kind: str, name: str) -> None:
    origin = ORIGINS[name]
    for method, answer in zip(METHODS, asked(keys, FOR_PAGES[kind], origin), strict=True):
        check(answer, origin, True, method)


@pytest.mark.parametrize("name", ORIGINS)
@pytest.mark.parametrize("kind", FOR_OTHERS)
@pytest.mark.parametrize("keys", [BOUND, {}], ids=["bound keys", "no keys"])
def test_no_page_may_read_what_is_for_operators_and_vendors(
    keys: Keys, kind: str, name: str
) -> None:
    for answer in asked(keys, FOR_OTHERS[kind], ORIGINS[name]):
        assert answer.cors == {}
        assert not answer.varies


@pytest.mark.parametrize("name", ORIGINS)
def test_a_bound_key_is_refused_where_its_pages_are_not(name: str) -> None:
    (answer,) = asked(BOUND, "/v1/track", ORIGINS[name], ["POST"])
    assert answer.status == (200 if ORIGINS[name] == SHOP else 403)


@pytest.mark.parametrize("kind", [*FOR_PAGES, *FOR_OTHERS])
def test_no_answer_is_for_every_origin_at_once(kind: str) -> None:
    target = (FOR_PAGES | FOR_OTHERS)[kind]
    for keys in (BOUND, MIXED, {}):
        for origin in ("*", SHOP, None):
            for answer in asked(keys, target, origin):
                allowed = answer.cors.get("access-control-allow-origin")
                assert allowed is None or allowed == origin
                assert allowed or "access-control-allow-credentials" not in answer.cors


def test_a_preflight_of_an_unknown_path_allows_nothing() -> None:
    (answer,) = asked(BOUND, "/v1/nothing", SHOP, ["OPTIONS"])
    assert answer.status == 404
    assert "access-control-allow-methods" not in answer.cors
