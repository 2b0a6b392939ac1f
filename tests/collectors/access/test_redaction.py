"""What a reject keeps has no server's key in it, however the key came."""

import gzip
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.access.redaction import BLANK, SEARCHED_BYTES, SHORTEST, redact, secret_patterns
from schemas.keys import OPEN, browser_keys, server_keys
from schemas.rejects import MAX_STORED_BODY, Reason, Reject

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
    found = redact(refused(gzip.compress(b"s3cret" + b" " * MAX_STORED_BODY)), SECRETS)
    assert (len(found.body), found.cut, found.body[:4]) == (MAX_STORED_BODY, True, b"*** ")


def test_without_servers_keys_there_is_nothing_to_do() -> None:
    reject = refused(gzip.compress(b"s3cret"))
    assert redact(reject, secret_patterns(browser_keys("page:shop"))) is reject


@given(st.lists(st.sampled_from([b"s3cret", b"s3cret+more", b"s3", b"cret", b"+more", b" "])))
def test_no_key_is_left_whatever_stands_around_it(parts: list[bytes]) -> None:
    assert b"s3cret" not in kept(b"".join(parts))


@pytest.mark.parametrize(
    "text",
    [
        "sec/ret+1",
        "sec%2fret%2b1",
        "sec%2Fret+1",
        "%73ec%2Fret%2b1",
        r"sec\/ret\u002B1",
        "sec%5C/ret%252b1",
    ],
)
def test_a_key_is_found_in_escapes_of_either_case_and_of_some_characters_only(text: str) -> None:
    secrets = secret_patterns(server_keys("sec/ret+1:shop"))
    reject = refused(f"writeKey={text}&x=%2f".encode())
    assert redact(reject, secrets).body == b"writeKey=***&x=%2f"


def _hex(text: str, upper: bool) -> str:
    return text.upper() if upper else text.lower()


@st.composite
def written(draw: st.DrawFn, name: str) -> bytes:
    """A key with every character written in a way of its own."""
    return b"".join(draw(st.sampled_from(_ways(one, draw(st.booleans())))) for one in name)


def _ways(character: str, upper: bool) -> list[bytes]:
    percent = "".join("%" + _hex(f"{byte:02x}", upper) for byte in character.encode())
    units = character.encode("utf-16-be").hex()
    unicode = "".join(f"\\u{_hex(units[at : at + 4], upper)}" for at in range(0, len(units), 4))
    in_json = [unicode, json.dumps(character, ensure_ascii=False)[1:-1]]
    in_json += ["\\/"] if character == "/" else []
    texts = [
        character,
        percent,
        quote(percent),
        quote(quote(percent)),
        *in_json,
        *map(quote, in_json),
    ]
    return [text.encode() for text in texts + (["+"] if character == " " else [])]


names = st.text(st.sampled_from('abf25/+=%\\"\t é€😀'), min_size=SHORTEST, max_size=12)


@given(st.data(), names, st.binary(max_size=9), st.sampled_from([b"", b"&x=1", b'","b":1}']))
def test_a_key_is_found_in_any_mix_of_escapes(
    data: st.DataObject, name: str, before: bytes, after: bytes
) -> None:
    secrets = secret_patterns({name: OPEN})
    secret = data.draw(written(name))
    assert BLANK in redact(refused(before + secret + after), secrets).body
    assert redact(refused(b"key=" + secret + after), secrets).body.startswith(b"key=" + BLANK)


@given(st.data(), names)
def test_at_the_cut_nothing_of_a_key_is_left_however_it_is_written(
    data: st.DataObject, name: str
) -> None:
    secret = data.draw(written(name))
    length = data.draw(st.integers(1, len(secret)))
    body = redact(refused(b"key=" + secret[:length], cut=True), secret_patterns({name: OPEN})).body
    assert body in (b"key=", b"key=" + BLANK)


def test_what_inflates_to_more_than_is_looked_through_is_stored_cut_and_without_a_key() -> None:
    for end in (b"", b"s3cret"):
        plain = b"s3cret" + b"x" * SEARCHED_BYTES + end
        found = redact(refused(gzip.compress(plain)), SECRETS)
        assert (found.body[:4], len(found.body), found.cut) == (b"***x", MAX_STORED_BODY, True)
    innocent = redact(refused(gzip.compress(b"x" * (SEARCHED_BYTES + 1))), SECRETS)
    assert (innocent.body, innocent.cut) == (b"x" * MAX_STORED_BODY, True)
    within = gzip.compress(b"x" * SEARCHED_BYTES)
    assert redact(refused(within), SECRETS).body == within
