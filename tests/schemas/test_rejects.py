"""Original bytes survive the text column of the warehouse, whatever was sent."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.rejects import as_bytes, as_text


@given(st.binary(max_size=64))
@example(b'{"a":"\xe2\x98\x95"}')
@example(b"\xff\x00nonsense")
@example(b"base64:a")
@example(b"base64:YQ==")
def test_bytes_come_back_as_they_were(body: bytes) -> None:
    assert as_bytes(as_text(body)) == body


@pytest.mark.parametrize("body", [b"base64:", b"base64:a", b"base64:base64:"])
def test_what_looks_like_base64_is_told_from_it(body: bytes) -> None:
    assert as_text(body) != body.decode()


def test_plain_text_stays_readable() -> None:
    assert as_text(b'{"type":"base64:"}') == '{"type":"base64:"}'
