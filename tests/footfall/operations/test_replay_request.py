"""A reject goes back as the request it came from: in its envelope, with its rights, once."""

import base64
import gzip
import json
import re
from typing import Any

import msgspec
import pytest
from msgspec.structs import asdict

from collectors import limits
from footfall.operations.replay_request import HEADER, UNASKED, ReplayRequest, request_of
from pipeline.engine.stage import Emit, Record
from pipeline.stages.rejects import RejectsStage
from schemas.events import Event
from schemas.keys import Keys, browser_keys, server_keys
from schemas.rejects import Reason, Reject
from schemas.rows import RejectRow
from tests.collectors.dialects.samples import SAMPLES, Sample
from tests.collectors.requests import NOW, basic
from tests.collectors.test_endpoint import Collector

SERVER = server_keys("s3cret-key:shop")
PAGE = browser_keys("page:shop origin=https://www.shop.example")
FROM_PAGE = {"origin": "https://www.shop.example"}
BOTH = PAGE | SERVER
DAY = 86_400_000


def row_of(reject: Reject) -> dict[str, Any]:
    """A reject as `rejects_bodies` gives it, by way of the worker."""
    stage = RejectsStage()
    emit = Emit(stage.source, 0)
    emit.begin(0)
    stage.process(stage.new_state(), Record(0, 1, msgspec.json.encode(reject)), emit)
    row = asdict(emit.rows[RejectRow][0][0])
    return row | {"time": row["received_at"]}


class Shop:
    """A collector, and what it refused sent to it again."""

    def __init__(self, keys: Keys) -> None:
        self.keys, self.collector = keys, Collector(keys=keys)

    def send(
        self, sample: Sample, key: str = "s3cret-key", headers: dict[str, str] | None = None
    ) -> None:
        request = sample.request("d", "Seen", {"a": 1}, key)
        body = b"" if sample.method == "GET" else request.body
        target = f"{request.path}?{request.query}"
        self.collector.call(sample.method, target, body, dict(request.headers) | (headers or {}))

    def post(self, path: str, body: Any, headers: dict[str, str]) -> int:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.collector.call("POST", path, data, headers).status

    def rows(self) -> list[dict[str, Any]]:
        return [row_of(reject) for reject in self.collector.writer.rejects()]

    def again(self, row: dict[str, Any], named: str = "") -> int:
        request = request_of(row, self.keys, named)
        assert request is not None
        return self.collector.call(
            request.method, request.target, request.body, request.headers
        ).status

    def events(self) -> list[Event]:
        return self.collector.writer.events()


def key_sent(request: ReplayRequest | None) -> str:
    assert request is not None
    return base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()[:-1]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_an_event_that_was_refused_alone_is_taken_once_its_cause_is_mended(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    untroubled, shop = Shop(SERVER), Shop(SERVER)
    untroubled.send(sample)
    with monkeypatch.context() as patched:
        patched.setattr(limits, "MAX_EVENT", 1)
        shop.send(sample)
    (row,) = shop.rows()
    assert (row["reason"], row["sender"], row["method"]) == (
        "event_too_large",
        "server",
        sample.method,
    )
    assert shop.events() == []
    assert (shop.again(row), len(shop.rows())) == (200, 1)
    assert shop.events() == untroubled.events() != []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_whole_request_is_taken_with_the_key_that_it_should_have_had(sample: Sample) -> None:
    shop = Shop(SERVER)
    shop.send(sample, key="wrong")
    (row,) = shop.rows()
    assert (row["reason"], row["sender"], row["site"]) == ("unknown_key", "", "")
    assert (shop.again(row, named="s3cret-key"), len(shop.rows())) == (200, 1)
    ((event),) = shop.events()
    assert (event.site, event.anonymous_id, event.message_id) == ("shop", "d", "m-1")


@pytest.mark.parametrize("path", ["/v1/purchases", "/v1/tickets", "/v1/feedback"])
@pytest.mark.parametrize("shape", ["{}", "[{}]", '{{"batch":[{}]}}'])
def test_an_object_of_our_own_endpoints_is_taken_alone(
    path: str, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {
        "/v1/purchases": '{"orderId":"1","total":1,"currency":"EUR","customer":{"userId":"u"}}',
        "/v1/tickets": '{"ticketId":"7","action":"created","customer":{"userId":"u"}}',
        "/v1/feedback": '{"kind":"nps","score":9,"customer":{"userId":"u"}}',
    }
    body = facts[path] if shape == "{}" else shape.format(facts[path])
    shop = Shop(SERVER)
    with monkeypatch.context() as patched:
        patched.setattr(limits, "MAX_EVENT", 1)
        shop.post(path, body.encode(), basic("s3cret-key"))
    (row,) = shop.rows()
    assert (shop.again(row), len(shop.events())) == (200, 1)


def test_of_a_batch_only_what_was_refused_goes_back() -> None:
    shop = Shop(SERVER)
    events = [{"type": kind, "anonymousId": "a"} for kind in ("page", "view", "page")]
    shop.post("/v1/batch", {"batch": events}, basic("s3cret-key"))
    (row,) = shop.rows()
    request = request_of(row, SERVER, "")
    assert request is not None
    assert request.body == b'{"batch":[{"type": "view", "anonymousId": "a"}]}'


def test_a_gzipped_request_goes_back_as_it_came() -> None:
    shop = Shop(SERVER)
    body = gzip.compress(b'{"batch":[{"type":"page","anonymousId":"a"}]}')
    shop.post("/v1/batch", body, basic("wrong"))
    (row,) = shop.rows()
    assert shop.again(row, named="s3cret-key") == 200
    assert [one.type for one in shop.events()] == ["page"]


def test_a_page_s_input_gets_a_page_s_rights_though_there_is_a_server_s_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = Shop(BOTH)
    order = {
        "type": "track",
        "anonymousId": "a",
        "userId": "victim",
        "event": "Order Cancelled",
        "properties": {"order_id": "REAL-1", "total": 9, "currency": "EUR"},
    }
    with monkeypatch.context() as patched:
        patched.setattr(limits, "MAX_EVENT", 1)
        shop.post("/v1/track", order, basic("page") | FROM_PAGE)
    (row,) = shop.rows()
    assert (row["sender"], shop.again(row)) == ("page", 200)
    (event,) = shop.events()
    assert (event.type, event.identifiers, event.order) == ("track", (), None)


def test_a_page_s_forged_purchase_is_left_out_and_refused_again_where_it_is_asked_for() -> None:
    shop = Shop(BOTH)
    shop.post("/v1/purchases", {"orderId": "FAKE-1", "total": 1}, basic("page") | FROM_PAGE)
    (row,) = shop.rows()
    assert (row["reason"], row["site"], row["sender"]) == ("not_allowed", "shop", "page")
    assert row["reason"] in UNASKED
    assert shop.again(row) == 403
    assert shop.events() == []


def test_a_secret_that_stood_in_a_page_makes_no_server_of_it() -> None:
    shop = Shop(BOTH)
    shop.post("/v1/purchases", {"orderId": "FAKE-1", "total": 1}, basic("s3cret-key") | FROM_PAGE)
    (row,) = shop.rows()
    assert (row["reason"], row["sender"]) == ("not_allowed", "page")


def test_what_was_refused_for_want_of_rights_is_sent_only_if_it_is_asked_for() -> None:
    wanting = {"not_allowed", "forbidden_origin", "bad_signature", "unknown_key"}
    assert set(UNASKED) == wanting


def test_where_no_key_of_the_sender_s_kind_is_set_nothing_is_sent() -> None:
    shop = Shop(BOTH)
    shop.post("/v1/batch", {"batch": [{"type": "x"}]}, basic("page") | FROM_PAGE)
    shop.post("/v1/batch", {"batch": [{"type": "x"}]}, basic("s3cret-key"))
    page, server = shop.rows()
    assert (page["sender"], server["sender"]) == ("page", "server")
    assert request_of(page, SERVER, "") is None
    assert request_of(server, PAGE, "page") is None
    assert request_of(page | {"site": "blog"}, BOTH, "s3cret-key") is None


def test_a_stranger_s_input_goes_with_a_key_that_is_named_or_not_at_all() -> None:
    shop = Shop(BOTH)
    shop.post("/v1/track", b"{", basic("nobody"))
    (row,) = shop.rows()
    assert (row["site"], row["sender"]) == ("", "")
    assert request_of(row, BOTH, "") is None
    request = request_of(row, BOTH, "page")
    assert key_sent(request) == "page"
    assert request is not None
    assert request.headers["origin"] == "https://www.shop.example"


def test_of_several_keys_the_one_with_the_fewest_rights_goes_unless_one_is_named() -> None:
    keys = browser_keys("strong:shop identify purchase, weak:shop, middle:shop identify")
    shop = Shop(keys)
    shop.post("/v1/batch", {"batch": [{"type": "x"}]}, basic("middle"))
    (row,) = shop.rows()
    assert key_sent(request_of(row, keys, "")) == "weak"
    assert key_sent(request_of(row, keys, "middle")) == "middle"


def test_a_key_goes_whole_in_a_header_whatever_it_is_made_of() -> None:
    keys = server_keys("a+b/c&d=e:shop")
    shop = Shop(keys)
    shop.post("/v1/batch", {"batch": [{"type": "x"}]}, basic("a+b/c&d=e"))
    (row,) = shop.rows()
    request = request_of(row, keys, "")
    assert key_sent(request) == "a+b/c&d=e"
    assert request is not None
    assert request.target == "/v1/batch"
    assert "origin" not in request.headers


def test_with_no_keys_at_all_none_is_needed() -> None:
    shop = Shop({})
    shop.post("/v1/batch", {"batch": [{"type": "x"}]}, {})
    (row,) = shop.rows()
    request = request_of(row, {}, "")
    assert request is not None
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    "body", [{"type": "page", "anonymousId": "a"}, {"type": "track", "event": "x", "userId": "u"}]
)
def test_sent_twice_a_nameless_event_is_the_same_event(
    body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(SERVER)
    with monkeypatch.context() as patched:
        patched.setattr(limits, "MAX_EVENT", 1)
        shop.post("/v1/batch", {"batch": [body, body]}, basic("s3cret-key"))
    rows = [row | {"time": NOW - DAY} for row in shop.rows()]
    for row in (*rows, *rows):
        assert shop.again(row) == 200
    first, second, *again = shop.events()
    assert again == [first, second]
    assert first.message_id != second.message_id
    assert (first.time, first.corrected_time, first.received_at) == (NOW - DAY, NOW - DAY, NOW)


def test_a_sender_s_clock_is_corrected_by_the_time_when_its_request_first_came() -> None:
    shop = Shop(SERVER)
    sent_at, event = NOW - DAY - 60_000, {"type": "page", "anonymousId": "a"}
    body = {"sentAt": sent_at, "batch": [event | {"timestamp": sent_at - 1_000}]}
    shop.post("/v1/batch", body, basic("wrong"))
    (row,) = shop.rows()
    shop.again(row | {"time": NOW - DAY}, named="s3cret-key")
    (taken,) = shop.events()
    assert (taken.time, taken.corrected_time) == (sent_at - 1_000, NOW - DAY - 1_000)


def test_what_is_refused_again_keeps_its_id() -> None:
    shop = Shop(SERVER)
    shop.post("/v1/batch", {"batch": [{"type": "x"}, {"type": "y"}]}, basic("s3cret-key"))
    first, second = shop.rows()
    shop.again(second)
    shop.again(shop.rows()[2])
    ids = [row["id"] for row in shop.rows()]
    assert ids == [first["id"], second["id"], second["id"], second["id"]]


def test_an_objection_goes_along_and_the_machine_that_replays_is_not_the_visitor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = Shop(SERVER)
    said = basic("s3cret-key") | {"sec-gpc": "1", "x-forwarded-for": "203.0.113.9"}
    with monkeypatch.context() as patched:
        patched.setattr(limits, "MAX_EVENT", 1)
        shop.post("/v1/track", {"anonymousId": "a", "event": "x"}, said)
    (row,) = shop.rows()
    request = request_of(row, SERVER, "")
    assert request is not None
    here = request.headers | {"x-forwarded-for": "198.51.100.7", "user-agent": "Firefox/128.0"}
    shop.collector.call("POST", request.target, request.body, here)
    (event,) = shop.events()
    assert (event.opt_out, event.ip, event.browser) == (True, "", "")


@pytest.mark.parametrize(
    "header",
    [
        "x",
        "ab 1",
        "ab 0",
        f"{'a' * 101} {NOW}",
        f"ab {NOW} c",
        "ab 9999999999999",
        f"../x {NOW}",
        f"ab {NOW}\n",
        "",
    ],
)
def test_a_header_that_is_none_of_a_replay_s_says_nothing(header: str) -> None:
    shop = Shop(SERVER)
    shop.post(
        "/v1/track", {"anonymousId": "a", "event": "x"}, basic("s3cret-key") | {HEADER: header}
    )
    (event,) = shop.events()
    assert event.time == NOW
    assert re.fullmatch("[0-9a-f]{32}-0-0", event.message_id)


def test_no_page_of_another_origin_may_send_a_replay_s_header() -> None:
    answer = Collector().call("OPTIONS", "/v1/batch", headers=FROM_PAGE)
    assert HEADER not in answer.headers["access-control-allow-headers"]


def test_an_import_s_reject_goes_with_the_server_s_key() -> None:
    reject = Reject(
        id="a-1",
        reason=Reason.BAD_ORDER,
        detail="",
        site="shop",
        received_at=NOW,
        path="/v1/purchases",
        body=b"{}",
        sender="import",
    )
    assert key_sent(request_of(row_of(reject), BOTH, "")) == "s3cret-key"
    assert request_of(row_of(reject), PAGE, "") is None
