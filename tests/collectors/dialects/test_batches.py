"""Envelopes of any size decode alike, and a large one keeps no more items than may be taken."""

import msgspec
import pytest
from msgspec import Raw, Struct

from collectors import limits
from collectors.dialects.batches import Batches
from collectors.dialects.contract import Refused
from collectors.dialects.reading import modest
from schemas.rejects import Reason
from tests.collectors.requests import event, reject, sent


class Envelope(Struct, rename="camel"):
    batch: list[Raw] | None = None
    sent_at: str | float | None = None


envelopes = Batches(Envelope, "batch")
LARGE = b" " * 300_000


@pytest.mark.parametrize(
    "body",
    [
        b'{"batch":[{},1,"a",null],"sentAt":"x"}',
        b'{"sentAt":5}',
        b'{"batch":null}',
        b'{"batch":[]}',
    ],
)
def test_a_large_envelope_reads_as_a_small_one_does(body: bytes) -> None:
    small, large = envelopes.decode(body), envelopes.decode(body + LARGE)
    assert msgspec.json.encode(small) == msgspec.json.encode(large)


def test_a_wrong_type_is_told_with_its_place_whatever_the_size() -> None:
    for padding in (b"", LARGE):
        with pytest.raises(msgspec.ValidationError, match=r"\$\.batch"):
            envelopes.decode(b'{"batch":5}' + padding)


def test_one_item_more_than_may_be_taken_is_kept_and_none_beyond() -> None:
    found = Batches(list[Raw]).decode(b"[" + b"1," * 500_000 + b"1]")
    assert len(found) == limits.MAX_BATCH_EVENTS + 1


def test_a_full_batch_is_taken_apart_and_a_fuller_one_refused() -> None:
    item = b'{"x":"0123456789012345678901234567890"}'
    full = b'{"batch":[%s]}' % b",".join([item] * limits.MAX_BATCH_EVENTS)
    assert len(sent("/v1/batch", full).rejects) == limits.MAX_BATCH_EVENTS
    assert reject("/v1/batch", full[:-2] + b",1]}").reason is Reason.BATCH_TOO_LARGE


def test_a_number_out_of_range_hides_no_depth() -> None:
    deep = b'{"n":1e999,"d":' + b"[" * 65 + b"]" * 65 + b"}"
    with pytest.raises(Refused, match="Nested deeper"):
        modest(deep)


def test_brackets_in_text_are_no_depth() -> None:
    modest(b'{"text":"' + b'\\"[{' * 500 + b'"}')


def test_an_event_of_too_many_lists_is_too_large() -> None:
    with pytest.raises(Refused) as refused:
        modest(b"[" + b"[]," * limits.MAX_CONTAINERS + b"[]]")
    assert refused.value.reason is Reason.EVENT_TOO_LARGE


def test_a_correction_that_would_leave_the_calendar_is_none() -> None:
    body = {
        "anonymousId": "a",
        "timestamp": "2099-01-01T00:00:00Z",
        "sentAt": "2000-01-02T00:00:00Z",
    }
    taken = event("/v1/page", body)
    assert taken.corrected_time == taken.time
