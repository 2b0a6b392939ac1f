"""HTTP written by hand against a collector process: nothing gets in, through or out again."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.hostile.running import Collector, collecting
from tests.hostile.wire import asking, heard

SECOND: Final = asking(b"/health")
"""A request smuggled behind another: a second answer would be its."""
EVENT: Final = b'{"type":"track","anonymousId":"a","event":"Seen"}'
INJECTED: Final = b"X-Injected: yes"


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with collecting(
        tmp_path_factory.mktemp("http"),
        write_keys="k:shop origin=https://shop.example",
        webhook_secrets="shopify=hush",
    ) as running:
        yield running


def posting(*headers: bytes, body: bytes = b"") -> bytes:
    lines = (b"POST /v1/track HTTP/1.1", b"Host: shop.example", *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


CHUNKED: Final = b"Transfer-Encoding: chunked"
SMUGGLED: Final = {
    "two lengths": posting(b"Content-Length: 0", b"Content-Length: 99", body=SECOND),
    "the same length twice": posting(b"Content-Length: 2", b"Content-Length: 2", body=b"{}"),
    "a list of lengths": posting(b"Content-Length: 2, 2", body=b"{}"),
    "a length and chunks": posting(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n" + SECOND),
    "chunks and a length": posting(CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n" + SECOND),
    "a coding that is nearly chunked": posting(
        b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + SECOND
    ),
    "chunked, and then not": posting(
        b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + SECOND
    ),
    "chunked with a vertical tab": posting(
        b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n" + SECOND
    ),
    "chunked, twice": posting(CHUNKED, CHUNKED, body=b"0\r\n\r\n" + SECOND),
    "a space before the colon": posting(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n" + SECOND),
    "a negative length": posting(b"Content-Length: -1", body=SECOND),
    "a signed length": posting(b"Content-Length: +2", body=b"{}"),
    "a hexadecimal length": posting(b"Content-Length: 0x2", body=b"{}"),
    "a length over 64 bits": posting(b"Content-Length: 18446744073709551617", body=b"{"),
    "a negative chunk": posting(CHUNKED, body=b"-1\r\n{}\r\n0\r\n\r\n"),
    "a chunk over 64 bits": posting(CHUNKED, body=b"10000000000000002\r\n{}\r\n0\r\n\r\n"),
    "a chunk's size with 0x": posting(CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk longer than its size": posting(CHUNKED, body=b"1\r\n{}\r\n0\r\n\r\n"),
    "a bare line feed in a chunk's extension": posting(CHUNKED, body=b"2;\n{}\r\n0\r\n\r\n"),
    "bare line feeds between chunks": posting(CHUNKED, body=b"2\n{}\n0\n\n"),
    "a folded header": asking(b"/health", b"X: a\r\n b"),
    "a folded length": posting(b"Content-Length:\r\n 2", body=b"{}"),
    "a header without a colon": asking(b"/health", b"Bogus"),
    "a header without a name": asking(b"/health", b": a"),
    "a header's name with a space": asking(b"/health", b"X Y: a"),
    "a space before the first header": b"GET /health HTTP/1.1\r\n Host: a\r\n\r\n",
    "bare line feeds": b"GET /health HTTP/1.1\nHost: a\n\n",
    "NUL in a header": asking(b"/health", b"X: a\x00b"),
    "NUL in a path": asking(b"/health\x00"),
    "NUL in a method": b"G\x00T /health HTTP/1.1\r\n\r\n",
    "a method in lower case": asking(b"/health", method=b"get"),
    "a method of its own": asking(b"/health", method=b"HACK"),
    "tabs in the first line": b"GET\t/health\tHTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes over 127 in a path": asking("/hé".encode()),
    "bytes over 127 in a query": asking("/footfall.js?id=é".encode()),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "a version of its own": b"GET /health HTTP/9.9\r\nHost: a\r\n\r\n",
    "a proxy's CONNECT": asking(b"evil.example:443", method=b"CONNECT"),
    "an authority for a target": asking(b"evil.example:443"),
    "an absolute target without a path": asking(b"http://evil.example"),
    "a port that is none": asking(b"http://u:p@evil.example:99999/health"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
    "a header of 1 MiB": asking(b"/health", b"X: " + b"y" * 2**20),
    "100,000 headers": asking(b"/health", *(b"X-%d: y" % n for n in range(100_000))),
    "a path of 100 KiB": asking(b"/" + b"a" * 102_400),
    "a path of 1 MiB": asking(b"/" + b"a" * 2**20),
}


@pytest.mark.parametrize("raw", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_what_is_not_http_is_refused_once_and_hung_up_on(collector: Collector, raw: bytes) -> None:
    answer = heard(collector.port, raw)
    assert answer.statuses == [400]
    assert answer.closed


ODD: Final = {
    "10,000 headers": (asking(b"/health", *(b"X%d:y" % n for n in range(10_000))), {200}),
    "no host": (b"GET /health HTTP/1.1\r\n\r\n", {200}),
    "two hosts": (asking(b"/health", b"Host: evil.example"), {200}),
    "HTTP/0.9": (b"GET /health\r\n\r\n", {200}),
    "HTTP/1.0": (b"GET /health HTTP/1.0\r\n\r\n", {200}),
    "an absolute target": (asking(b"http://evil.example/health"), {200}),
    "an asterisk": (asking(b"*", method=b"OPTIONS"), {404}),
    "CONNECT to a path": (asking(b"/v1/track", method=b"CONNECT"), {405}),
    "TRACE": (asking(b"/health", b"Cookie: secret", method=b"TRACE"), {405}),
    "a request in a request's body": (asking(b"/health", body=SECOND), {200}),
    "a request after the end": (asking(b"/health", b"Connection: close") + SECOND, {200}),
    "to WebSocket": (
        asking(b"/health", b"Connection: Upgrade", b"Upgrade: websocket") + SECOND,
        {200},
    ),
    "to HTTP/2": (asking(b"/health", b"Connection: Upgrade", b"Upgrade: h2c") + SECOND, {200}),
    "a chunk's extension": (posting(CHUNKED, body=b'2;a="b"\r\n{}\r\n0\r\n\r\n'), {401}),
    "a trailer": (
        posting(CHUNKED, body=b"2\r\n{}\r\n0\r\nOrigin: https://evil.example\r\n\r\n"),
        {401},
    ),
}


@pytest.mark.parametrize(("raw", "statuses"), ODD.values(), ids=ODD.keys())
def test_what_is_odd_and_still_http_is_answered_once(
    collector: Collector, raw: bytes, statuses: set[int]
) -> None:
    answer = heard(collector.port, raw)
    assert len(answer.statuses) == 1
    assert answer.statuses[0] in statuses
    assert b"secret" not in answer.body


BREAKS: Final = (b"\r\n", b"\r", b"\n", b"\r\n ", b"%0d%0a", b"\\r\\n", b"\xe5\x98\x8a\xe5\x98\x8d")
"""The last is two characters whose low bytes are CR and LF."""
PLACES: Final = {
    "an origin": lambda value: asking(b"/footfall.js", b"Origin: https://shop.example" + value),
    "a path": lambda value: asking(b"/footfall.js" + value),
    "a query": lambda value: asking(
        b"/footfall.js?id=abcdefgh" + value,
        b"Sec-Fetch-Site: same-origin",
        b"Sec-Fetch-Dest: empty",
    ),
    "a cookie": lambda value: asking(
        b"/footfall.js?id=abcdefgh",
        b"Cookie: ff_id=abcdefgh" + value,
        b"Sec-Fetch-Site: same-origin",
        b"Sec-Fetch-Dest: empty",
    ),
    "a key in the query": lambda value: asking(
        b"/v1/batch?writeKey=k" + value, method=b"POST", body=EVENT
    ),
    "a key in a header": lambda value: asking(
        b"/v1/track", b"X-Write-Key: k" + value, method=b"POST", body=EVENT
    ),
    "a settings path": lambda value: asking(b"/v1/projects/k" + value + b"/settings"),
    "a script's path": lambda value: asking(b"/array/k" + value + b"/config.js"),
    "a webhook's path": lambda value: asking(
        b"/webhooks/shopify/s" + value, method=b"POST", body=EVENT
    ),
    "a preflight's header": lambda value: asking(
        b"/v1/track",
        b"Origin: https://shop.example",
        b"Access-Control-Request-Headers: a" + value,
        method=b"OPTIONS",
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("line_break", BREAKS, ids=repr)
def test_no_header_can_be_injected(collector: Collector, place: str, line_break: bytes) -> None:
    answer = heard(collector.port, PLACES[place](line_break + INJECTED))
    assert len(answer.statuses) == 1
    assert answer.statuses[0] < 500
    assert b"x-injected" not in answer.names
    assert b"X-Injected" not in answer.head


TRICKS: Final = (
    b"/v1/../metrics",
    b"/v1/%2e%2e/metrics",
    b"/%2e%2e/%2e%2e/etc/passwd",
    b"/../../../etc/passwd",
    b"/footfall.js/../metrics",
    b"/footfall.js/",
    b"/footfall.js%00",
    b"/footfall.js.bak",
    b"/FOOTFALL.JS",
    b"/%66ootfall.js",
    b"//metrics",
    b"//v1/batch",
    b"/v1//batch",
    b"/./metrics",
    b"/metrics/",
    b"/metrics.",
    b"/metrics;a=b",
    b"/metrics%00",
    b"/metrics%20",
    b"/metrics%3f",
    b"/METRICS",
    b"/%6detrics",
    b"/health%2f",
    b"/v1%2ftrack",
    b"/v1/track%23",
    b"/v1/TRACK",
    b"/v1\\track",
    b"\\metrics",
    b"/..\\metrics",
    b"/%c0%ae%c0%ae/metrics",
    b"/%ef%bc%8fmetrics",
    b"/metrics%e2%80%8b",
    b"/%252e%252e/metrics",
    b"/webhooks/../metrics",
    b"/webhooks/shopify/../../metrics",
    b"/webhooks/none",
    b"/webhooks//shopify",
    b"/webhooks/shopify/a/b",
    b"/webhooks/shopify/" + b"s" * 65,
    b"/webhooks/shopify/a%2fb",
    b"/array/../config",
    b"/array/a/b/config",
    b"/array/<script>/config.js",
    b"/array//config.js",
    b"/v1/projects//settings",
    b"/v1/projects/a/../../metrics/settings",
    b"/v1/projects/%22/settings",
    b"/static/../collectors/server.py",
    b"/.git/config",
    b"/.env",
    b"/favicon.ico",
    b"/robots.txt",
    b"/",
    b"/v1/" + b"a/" * 10_000,
    b"/" + b"a" * 60_000,
)


@pytest.mark.parametrize("method", [b"GET", b"POST", b"OPTIONS"])
def test_path_tricks_find_nothing(collector: Collector, method: bytes) -> None:
    for path in TRICKS:
        answer = heard_soon(collector, path, method)
        assert answer[0] in (400, 404, 405), (path, answer)
        told = b'{"success":false,"reason":"', b"Invalid HTTP request received."
        assert answer[1].startswith(told), (path, answer)


def heard_soon(collector: Collector, path: bytes, method: bytes) -> tuple[int, bytes]:
    """The only answer, on a connection that is asked to be closed: no need to wait for more."""
    body = EVENT if method == b"POST" else b""
    answer = heard(collector.port, asking(path, b"Connection: close", method=method, body=body))
    assert len(answer.statuses) == 1, path
    return answer.statuses[0], answer.body


ELSEWHERE: Final = (
    b"//evil.example",
    b"//evil.example/%2e%2e",
    b"/\\evil.example",
    b"/https://evil.example",
    b"/footfall.js?url=https://evil.example",
    b"/footfall.js?redirect=//evil.example",
    b"/footfall.js?id=https://evil.example",
    b"/footfall.js?set=//evil.example",
    b"/health?next=//evil.example",
    b"/v1/pixel/track?url=https://evil.example",
    b"/pixel/v1/page?redirect=https://evil.example",
    b"/i?e=pv&url=https://evil.example&u=https://evil.example",
    b"/r/tp2?u=https://evil.example",
    b"/sourceConfig?writeKey=//evil.example",
    b"/v1/projects/evil/settings?next=//evil.example",
    b"/e?data=//evil.example&redirect=//evil.example",
    b"http://evil.example/footfall.js",
)


@pytest.mark.parametrize("target", ELSEWHERE)
def test_nobody_is_sent_elsewhere(collector: Collector, target: bytes) -> None:
    headers = (
        b"Connection: close",
        b"Sec-Fetch-Site: same-origin",
        b"Sec-Fetch-Dest: empty",
        b"X-Forwarded-Host: evil.example",
        b"Referer: https://evil.example",
    )
    answer = heard(collector.port, asking(target, *headers))
    (status,) = answer.statuses
    assert not 300 <= status < 400
    assert not {b"location", b"refresh", b"content-location", b"link"} & answer.names
    assert b"evil.example" not in answer.head


def test_a_large_head_is_not_gathered_in_memory(collector: Collector) -> None:
    before = collector.memory()
    collector.forget_peak()
    for _ in range(5):
        heard(collector.port, b"GET /health HTTP/1.1\r\nX: " + b"y" * (32 * 2**20))
    assert collector.memory("VmHWM") - before < 8 * 2**20


def test_after_all_that_it_takes_events_as_before(collector: Collector) -> None:
    answer = collector.post(
        "/v1/track", EVENT, {"x-write-key": "k", "origin": "https://shop.example"}
    )
    assert answer.status == 200
    assert "Traceback" not in collector.log.read_text()
