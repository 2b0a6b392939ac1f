"""Every refusal has its reason, its status and the original bytes; nothing is lost or raised."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import limits
from collectors.admission import STATUS, admit
from collectors.dialects import BY_PATH
from schemas.rejects import MAX_STORED_BODY, MEANING, Reason
from tests.collectors.requests import AT, NOW, SHOP, basic, event, reject, request, sent

TRACK = {"anonymousId": "a", "event": "Seen"}


def nested(levels: int) -> bytes:
    return b'{"anonymousId":"a","properties":{"a":%s%s}}' % (b"[" * levels, b"]" * levels)


def lists(events: int) -> dict[str, Any]:
    return {"batch": [{}] * events}


REFUSED: dict[Reason, tuple[str, Any]] = {
    Reason.BODY_TOO_LARGE: ("/v1/track", b"x" * (limits.MAX_BODY + 1)),
    Reason.BAD_ENCODING: ("/v1/track", b'{"anonymousId":"\xff"}'),
    Reason.BAD_JSON: ("/v1/track", b'{"anonymousId":'),
    Reason.BAD_SHAPE: ("/v1/track", TRACK | {"event": 7}),
    Reason.BATCH_TOO_LARGE: ("/v1/batch", lists(limits.MAX_BATCH_EVENTS + 1)),
    Reason.EVENT_TOO_LARGE: ("/v1/track", TRACK | {"properties": {"x": "y" * limits.MAX_EVENT}}),
    Reason.UNKNOWN_TYPE: ("/v1/batch", {"batch": [{"type": "tick", "anonymousId": "a"}]}),
    Reason.MISSING_ID: ("/v1/track", {"event": "Seen", "userId": "", "anonymousId": None}),
    Reason.BAD_IDENTIFIER: ("/v1/track", {"userId": "u" * 257}),
    Reason.TIME_OUT_OF_RANGE: ("/v1/track", TRACK | {"timestamp": "1999-12-31T23:59:59Z"}),
    Reason.BAD_ORDER: ("/v1/track", {"userId": "u", "event": "Order Completed"}),
    Reason.BAD_TICKET: ("/v1/tickets", {"anonymousId": "a"}),
    Reason.BAD_FEEDBACK: ("/v1/feedback", {"anonymousId": "a", "kind": "nps", "score": 11}),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_an_input_is_refused_for_its_reason(reason: Reason) -> None:
    path, body = REFUSED[reason]
    refused = reject(path, body)
    assert refused.reason is reason
    assert refused.received_at == NOW
    assert refused.path == path


def test_an_unknown_key_is_refused() -> None:
    admitted = admit(request("/v1/track", TRACK, headers=basic("other")), {"key": SHOP})
    assert [one.reason for one in admitted.rejects] == [Reason.UNKNOWN_KEY]
    assert admitted.status == 401


_BY_KEY = {Reason.UNKNOWN_KEY, Reason.NOT_ALLOWED, Reason.FORBIDDEN_ORIGIN, Reason.BAD_SIGNATURE}
"""Reasons that depend on who sends; see test_rights and the webhooks' tests."""


def test_every_reason_of_a_collector_is_tested_and_has_a_status_and_a_meaning() -> None:
    ours = set(Reason) - {
        Reason.UNREADABLE_RECORD,
        Reason.PROCESSING_FAILED,
        Reason.DAMAGED_RECORD,
        Reason.REJECTS_NOT_KEPT,
    }
    assert set(REFUSED) | _BY_KEY == ours
    assert set(STATUS) == ours
    assert set(MEANING) == set(Reason)


def test_refusals_are_final_statuses_that_no_sdk_sends_again() -> None:
    retried = {408, 410, 429, 460}
    assert all(400 <= status < 500 and status not in retried for status in STATUS.values())


def test_a_single_bad_event_fails_its_request() -> None:
    path, body = REFUSED[Reason.MISSING_ID]
    assert sent(path, body).status == 400


def test_a_bad_event_in_a_good_batch_is_rejected_alone() -> None:
    bad = {"type": "track", "event": "Nobody", "properties": {"note": "☕ é"}}
    admitted = sent("/v1/batch", {"batch": [TRACK | {"type": "track"}, bad]})
    assert admitted.status == 200
    assert len(admitted.events) == 1
    (refused,) = admitted.rejects
    assert json.loads(refused.body) == bad
    assert refused.site == "default"


def test_a_reject_keeps_at_most_64_kib_and_says_that_it_was_cut() -> None:
    long = reject("/v1/track", b"x" * (MAX_STORED_BODY + 1))
    assert len(long.body) == MAX_STORED_BODY
    assert long.cut
    assert not reject("/v1/track", b"x" * MAX_STORED_BODY).cut


def test_gzip_is_told_by_its_first_bytes_whatever_the_headers_say() -> None:
    assert event("/v1/track", gzip.compress(json.dumps(TRACK).encode())).event == "Seen"


def test_a_gzip_bomb_is_refused_without_inflating_it_all() -> None:
    bomb = gzip.compress(b" " * (limits.MAX_BODY * 20))
    assert reject("/v1/track", bomb).reason is Reason.BODY_TOO_LARGE


@pytest.mark.parametrize("damage", ["cut short", "a second member", "garbage inside"])
def test_damaged_gzip_is_a_bad_encoding(damage: str) -> None:
    good = gzip.compress(json.dumps(TRACK).encode())
    body = {
        "cut short": good[:-4],
        "a second member": good + good,
        "garbage inside": good[:12] + b"\xff\xff\xff\xff" + good[16:],
    }[damage]
    assert reject("/v1/track", body).reason is Reason.BAD_ENCODING


def test_gzip_inside_gzip_is_not_undone_twice() -> None:
    twice = gzip.compress(gzip.compress(json.dumps(TRACK).encode()))
    assert reject("/v1/track", twice).reason in (Reason.BAD_JSON, Reason.BAD_ENCODING)


@pytest.mark.parametrize("levels", [limits.MAX_DEPTH, 900, 10_000])
def test_deep_nesting_is_refused(levels: int) -> None:
    assert reject("/v1/track", nested(levels)).reason in (Reason.BAD_SHAPE, Reason.BAD_JSON)


def test_nesting_within_the_limit_is_taken() -> None:
    assert event("/v1/track", nested(limits.MAX_DEPTH - 2)).type == "track"


@pytest.mark.parametrize("space", ["", " ", " \n\t"])
def test_an_event_of_too_many_names_is_refused(space: str) -> None:
    def named(count: int) -> bytes:
        names = ",".join(f'"{n}"{space}:1' for n in range(count))
        return f'{{"anonymousId":"a","properties":{{{names}}}}}'.encode()

    assert event("/v1/track", named(limits.MAX_KEYS - 2)).type == "track"
    assert reject("/v1/track", named(limits.MAX_KEYS)).reason is Reason.EVENT_TOO_LARGE


def test_colons_in_text_are_no_names() -> None:
    text = 'a:\\":' * limits.MAX_KEYS
    assert event("/v1/track", {"anonymousId": "a", "properties": {"x": text}}).type == "track"


def test_many_shallow_objects_are_not_deep() -> None:
    many = {"anonymousId": "a", "properties": {str(n): {} for n in range(limits.MAX_DEPTH * 4)}}
    assert event("/v1/track", many).type == "track"


@pytest.mark.parametrize(
    "value", [b"NaN", b"Infinity", b'"\\ud800"', b'"\\ud800 and more text"', b'"\\udc00 more text"']
)
def test_what_json_does_not_know_is_refused(value: bytes) -> None:
    body = b'{"anonymousId":"a","properties":{"x":' + value + b"}}"
    assert reject("/v1/track", body).reason is Reason.BAD_JSON


def test_text_keeps_coffee_and_accents() -> None:
    taken = event("/v1/track", TRACK | {"event": "☕ é", "properties": {"note": "☕ é"}})
    assert taken.event == "☕ é"
    assert json.loads(bytes(taken.properties)) == {"note": "☕ é"}


def test_an_event_stays_on_one_line_however_it_was_written() -> None:
    pretty = json.dumps(TRACK | {"properties": {"a": {"b": "two\nlines"}}}, indent=2).encode()
    taken = event("/v1/track", pretty)
    assert b"\n" not in bytes(taken.properties)
    assert json.loads(bytes(taken.properties)) == {"a": {"b": "two\nlines"}}


def test_without_configured_keys_every_key_is_the_default_site() -> None:
    assert event("/v1/track", TRACK, headers=basic("anything")).site == "default"


@pytest.mark.parametrize("where", ["header", "body", "query"])
def test_the_write_key_may_come_by_header_body_or_query(where: str) -> None:
    sent_as = {
        "header": request("/v1/track", TRACK, headers=basic("key")),
        "body": request("/v1/track", TRACK | {"writeKey": "key"}),
        "query": request("/v1/track", TRACK, query="a=b&writeKey=key"),
    }[where]
    (taken,) = admit(sent_as, {"key": SHOP}).events
    assert taken.site == "shop"


@pytest.mark.parametrize("header", ["Basic !!!", "Bearer key", "Basic /w==", "Basic"])
def test_an_unreadable_authorization_is_no_key(header: str) -> None:
    refused = request("/v1/track", TRACK, headers={"authorization": header})
    assert admit(refused, {"key": SHOP}).status == 401


def test_the_clock_error_is_taken_out_where_the_sender_says_when_it_sent() -> None:
    late_clock = {"timestamp": "2026-11-21T09:00:00Z", "sentAt": "2026-11-21T09:00:05Z"}
    taken = event("/v1/track", TRACK | late_clock)
    assert taken.time == NOW - 3_600_000
    assert taken.corrected_time == NOW - 5_000


def test_without_sent_at_the_time_stands() -> None:
    taken = event("/v1/track", TRACK | {"timestamp": "2026-11-21T09:00:00Z"})
    assert taken.corrected_time == taken.time == NOW - 3_600_000


def test_a_sent_at_that_is_no_time_corrects_nothing_and_loses_nothing() -> None:
    assert event("/v1/track", TRACK | {"timestamp": AT, "sentAt": "soon"}).corrected_time == NOW


def test_without_a_time_the_event_happened_when_it_came() -> None:
    assert event("/v1/track", TRACK).time == NOW


def test_a_resent_event_without_id_but_with_a_time_gets_the_same_id() -> None:
    body = TRACK | {"timestamp": AT}
    first = event("/v1/track", body)
    again = admit(request("/v1/track", body)._replace(nonce="later"), {}).events[0]
    assert first.message_id == again.message_id
    assert first.message_id != event("/v1/track", body | {"event": "Other"}).message_id


def test_events_without_id_and_time_are_all_new() -> None:
    admitted = sent("/v1/batch", {"batch": [TRACK | {"type": "track"}] * 2})
    again = admit(request("/v1/track", TRACK)._replace(nonce="later"), {})
    ids = {one.message_id for one in (*admitted.events, *again.events)}
    assert len(ids) == 3


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = (
    "type messageId anonymousId userId previousId groupId event name timestamp originalTimestamp "
    "sentAt context properties traits writeKey orderId status total items ticketId action rating "
    "kind score customer time currency"
)
field_names = st.sampled_from(FIELDS.split())
kinds = st.sampled_from(["track", "identify", "page", "alias", "reset", "group", "tick"])
objects = st.dictionaries(field_names, json_values | kinds, max_size=8)
paths = st.sampled_from(sorted(BY_PATH))
batch_paths = st.sampled_from(["/v1/batch", "/v1/b", "/v1/import", "/v1/purchases", "/v1/tickets"])


@given(paths, st.binary(max_size=200) | st.text(max_size=60).map(lambda text: text.encode()))
def test_any_bytes_are_taken_or_refused_and_never_raise(path: str, body: bytes) -> None:
    admitted = sent(path, body)
    assert admitted.events or admitted.rejects or admitted.status == 200


@given(batch_paths, st.lists(objects, max_size=5))
def test_what_goes_in_comes_out_as_an_event_or_a_reject(path: str, items: list[Any]) -> None:
    admitted = sent(path, {"batch": items})
    assert admitted.status == 200
    assert len(admitted.events) + len(admitted.rejects) == len(items)


@given(paths, objects)
def test_one_object_gives_one_event_or_one_reject(path: str, body: dict[str, Any]) -> None:
    admitted = sent(path, body)
    if "batch" not in body and path not in ("/v1/batch", "/v1/b", "/v1/import"):
        assert len(admitted.events) + len(admitted.rejects) == 1
        assert (admitted.status == 200) == bool(admitted.events)


@given(objects, st.integers(0, 400), st.integers(0, 255))
def test_a_changed_byte_never_raises(body: dict[str, Any], place: int, value: int) -> None:
    data = bytearray(json.dumps(body).encode())
    data[place % len(data)] = value
    admitted = sent("/v1/track", bytes(data))
    assert len(admitted.events) + len(admitted.rejects) == 1
