"""Replay sends a reject as the request it came from."""

from pipeline.operate.replay import _request_body
from schemas.rejects import as_bytes, as_text


def test_an_event_out_of_a_batch_goes_back_as_a_batch_of_one() -> None:
    assert _request_body("/v1/batch", b'{"type":"page"}') == b'{"batch":[{"type":"page"}]}'


def test_a_whole_batch_and_a_single_event_go_back_as_they_are() -> None:
    assert _request_body("/v1/batch", b'{"batch":[]}') == b'{"batch":[]}'
    assert _request_body("/v1/track", b'{"event":1}') == b'{"event":1}'


def test_bytes_that_are_no_json_go_back_as_they_are() -> None:
    assert _request_body("/v1/batch", b"\xff") == b"\xff"


def test_original_bytes_survive_the_text_column() -> None:
    for body in (b'{"a":"\xe2\x98\x95"}', b"\xff\x00nonsense", b""):
        assert as_bytes(as_text(body)) == body
