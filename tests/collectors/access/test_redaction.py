"""What a reject keeps has no server's key in it, however the key came."""

import gzip

from hypothesis import given
from hypothesis import strategies as st

from collectors.access.redaction import redact, secret_patterns
from schemas.keys import browser_keys, server_keys
from schemas.rejects import MAX_BODY, Reason, Reject

KEYS = {**browser_keys("page:shop"), **server_keys("s3cret:shop, s3cret+more:shop")}
SECRETS = secret_patterns(KEYS)


def refused(body: bytes, *, cut: bool = False) -> Reject:
    return Reject(
        id="x",
        reason=Reason.BAD_SHAPE,
        detail="",
        site="shop",
        received_at=1,
        path="/v1/batch",
        body=body,
        cut=cut,
    )


def kept(body: bytes, *, cut: bool = False) -> bytes:
    return redact(refused(body, cut=cut), SECRETS).body


def test_a_servers_key_is_blanked_and_a_pages_key_stays() -> None:
    assert kept(b'{"writeKey":"s3cret","batch":3}') == b'{"writeKey":"***","batch":3}'
    assert kept(b'{"writeKey":"page","batch":3}') == b'{"writeKey":"page","batch":3}'


def test_the_longer_one_of_two_goes_whole_also_with_the_escapes_of_a_query() -> None:
    assert kept(b"s3cret+more s3cret%2Bmore s3cret") == b"*** *** ***"


def test_what_is_gzipped_is_looked_into_and_kept_as_it_came_where_nothing_is_found() -> None:
    assert kept(gzip.compress(b'{"writeKey":"s3cret"}')) == b'{"writeKey":"***"}'
    innocent = gzip.compress(b'{"writeKey":"page"}')
    assert kept(innocent) == innocent
    junk = b"\x1f\x8b junk"
    assert kept(junk) == junk


def test_the_beginning_of_a_key_at_the_cut_goes_too() -> None:
    assert kept(b'{"writeKey":"s3cre', cut=True) == b'{"writeKey":"'
    assert kept(b'{"writeKey":"s3cre') == b'{"writeKey":"s3cre'


def test_what_gets_longer_by_inflating_is_cut_and_says_so() -> None:
    found = redact(refused(gzip.compress(b"s3cret" + b" " * MAX_BODY)), SECRETS)
    assert (len(found.body), found.cut, found.body[:4]) == (MAX_BODY, True, b"*** ")


def test_without_servers_keys_there_is_nothing_to_do() -> None:
    reject = refused(gzip.compress(b"s3cret"))
    assert redact(reject, secret_patterns(browser_keys("page:shop"))) is reject


@given(st.lists(st.sampled_from([b"s3cret", b"s3cret+more", b"s3", b"cret", b"+more", b" "])))
def test_no_key_is_left_whatever_stands_around_it(parts: list[bytes]) -> None:
    assert b"s3cret" not in kept(b"".join(parts))
