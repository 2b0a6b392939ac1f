"""What every dialect owes, whoever wrote its SDK. A dialect without a sample fails here."""

import gzip
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.admission import STATUS, admit
from collectors.dialects import ALL, BY_PATH, takes
from collectors.dialects.contract import Request
from collectors.dialects.typed import Typed
from schemas.events import Event, Item, Order
from schemas.rejects import Reason
from tests.collectors.dialects.samples import SAMPLES, Sample
from tests.collectors.requests import NOW, SHOP
from tests.collectors.test_endpoint import Collector

NOTED = {"note": "☕ é"}
every = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
posted = pytest.mark.parametrize(
    "sample", [one for one in SAMPLES if one.method == "POST"], ids=lambda sample: sample.name
)


def only(request: Request) -> Event:
    admitted = admit(request, {"k": SHOP})
    assert admitted.rejects == []
    (event,) = admitted.events
    return event


def refusal(request: Request) -> Reason:
    admitted = admit(request, {"k": SHOP})
    assert admitted.events == []
    (reject,) = admitted.rejects
    return reject.reason


def test_every_dialect_has_a_sample() -> None:
    sampled = {type(BY_PATH[sample.path]) for sample in SAMPLES} | {Typed}
    assert sampled == {type(dialect) for dialect in ALL}
    assert all(takes(sample.method, sample.path) for sample in SAMPLES)


def test_no_two_dialects_share_a_path() -> None:
    assert sum(len(dialect.posts | dialect.gets) for dialect in ALL) == len(BY_PATH)


@every
def test_an_event_arrives_with_its_text_intact(sample: Sample) -> None:
    event = only(sample.request("device ☕", "Viewed ☕ é", NOTED))
    assert event.type == "track"
    assert event.event == "Viewed ☕ é"
    assert event.anonymous_id == "device ☕"
    assert json.loads(bytes(event.properties))["note"] == "☕ é"
    assert (event.message_id, event.time, event.corrected_time) == ("m-1", NOW, NOW)


@every
def test_its_key_tells_its_site_and_an_unknown_one_is_refused(sample: Sample) -> None:
    assert only(sample.request("d", "Seen", {})).site == "shop"
    assert refusal(sample.request("d", "Seen", {}, key="other")) is Reason.UNKNOWN_KEY


@every
def test_a_resend_is_the_same_event(sample: Sample) -> None:
    first = sample.request("d", "Seen", NOTED)
    again = first._replace(nonce="later", received_at=NOW + 9_000)
    assert only(first).message_id == only(again).message_id
    assert only(first).time == only(again).time


@every
def test_an_event_of_nobody_is_refused(sample: Sample) -> None:
    assert refusal(sample.request(None, "Seen", {})) is Reason.MISSING_ID


@every
def test_an_identifier_of_more_than_256_characters_is_refused(sample: Sample) -> None:
    assert refusal(sample.request("d" * 257, "Seen", {})) is Reason.BAD_IDENTIFIER


@every
def test_an_order_is_a_typed_purchase(sample: Sample) -> None:
    event = only(sample.purchase())
    assert event.type == "purchase"
    item = Item("tea", "Assam ☕", "Tea", 2, Decimal("24.9"))
    assert event.order == Order("A-1", "completed", "EUR", Decimal("49.8"), (item,))


@every
def test_an_event_is_on_one_line(sample: Sample) -> None:
    event = only(sample.request("d", "Seen", {"text": "two\nlines"}))
    assert b"\n" not in bytes(event.properties)
    assert json.loads(bytes(event.properties))["text"] == "two\nlines"


@every
def test_an_event_that_is_too_large_is_refused(sample: Sample) -> None:
    large = sample.request("d", "Seen", {"text": "x" * 40_000})
    assert refusal(large) is Reason.EVENT_TOO_LARGE


@posted
def test_gzip_is_told_by_its_first_bytes(sample: Sample) -> None:
    request = sample.request("d", "Viewed ☕ é", NOTED)
    assert only(request._replace(body=gzip.compress(request.body))).event == "Viewed ☕ é"


@posted
def test_a_body_cut_short_is_refused_for_its_reason(sample: Sample) -> None:
    request = sample.request("d", "Seen", NOTED)
    reason = refusal(request._replace(body=request.body[:-9]))
    assert reason in (Reason.BAD_JSON, Reason.BAD_ENCODING, Reason.BAD_SHAPE)


@every
def test_its_sdk_hears_what_it_waits_for(sample: Sample) -> None:
    collector = Collector(keys={"k": SHOP})
    request = sample.request("d", "Seen", {})
    target = f"{sample.path}?{request.query}"
    body = b"" if sample.method == "GET" else request.body
    answer = collector.call(sample.method, target, body, dict(request.headers))
    assert answer.status == 200
    assert len(collector.writer.events()) == 1
    if sample.method == "GET":
        assert answer.body.startswith(b"GIF89a")
        assert answer.headers["content-type"] == "image/gif"
        assert answer.headers["cache-control"] == "no-store"
    else:
        assert answer.body == BY_PATH[sample.path].success.body


paths = st.sampled_from(sorted(BY_PATH))
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = (
    "batch data api_key token event properties distinct_id uuid timestamp offset sent_at $set e eid "
    "dtm ttm stm duid uid aid ua url page se_ac ue_pr ue_px co cx tr_id tr_tt ti_id ti_pr type "
    "anonymousId userId traits context messageId writeKey alias $device_id $is_identified schema"
)
objects = st.dictionaries(
    st.sampled_from(NAMES.split()),
    values | st.sampled_from(["pv", "pp", "se", "ue", "tr", "ti", "$identify", "$create_alias"]),
    max_size=9,
)


@given(paths, objects)
def test_any_object_is_taken_or_refused_for_a_reason(path: str, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    admitted = admit(Request(path, "", {}, data, NOW, "nonce"), {})
    assert admitted.status in {200, *STATUS.values()}
    assert all(reject.reason in STATUS for reject in admitted.rejects)


@given(paths, st.lists(objects, max_size=4), st.sampled_from(["batch", "data"]))
def test_what_goes_in_comes_out_once(path: str, items: list[Any], name: str) -> None:
    request = Request(path, "", {}, json.dumps({name: items}).encode(), NOW, "nonce")
    admitted = admit(request, {})
    taken = len(admitted.events) + len(admitted.rejects)
    assert taken == len(items) or (taken == 1 and admitted.status != 200)


@given(
    st.sampled_from(SAMPLES),
    st.integers(0, 2_000),
    st.binary(min_size=1, max_size=3),
)
def test_changed_bytes_never_raise(sample: Sample, place: int, change: bytes) -> None:
    request = sample.purchase()
    at = place % len(request.body)
    body = request.body[:at] + change + request.body[at + len(change) :]
    admitted = admit(request._replace(body=body), {"k": SHOP})
    assert admitted.events or admitted.rejects or admitted.status == 200
