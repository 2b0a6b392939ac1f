"""The deny-list: nothing of a denied name gets past it, everything else stays as it was written."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from collectors.dialects.contract import Refused
from collectors.enrichment.denied import Denied
from schemas.events import EMPTY_OBJECT

DENIED = Denied(["email", "Card_Number", "größe", 'with"quote', "a/b", "key"])


def without(text: str, denied: Denied = DENIED) -> str:
    return str(denied.without(Raw(text.encode())), "utf-8")


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ('{"email":"a@b.example","plan":"x"}', '{"plan":"x"}'),
        ('{"EMail":1,"card_number":2,"plan":3}', '{"plan":3}'),
        ('{"a":{"b":[{"email":1},{"c":2}]}}', '{"a":{"b":[{},{"c":2}]}}'),
        ('{"e\\u006dail":1,"plan":2}', '{"plan":2}'),
        ('{"a":{"\\u0065MAIL":1}}', '{"a":{}}'),
        ('{"with\\"quote":1,"a\\/b":2,"a":3}', '{"a":3}'),
        ('{"GRÖSSE":1,"GRÖßE":2,"gr\\u00f6\\u00dfe":3,"a":4}', '{"a":4}'),
        ('{"email" : 1 , "a" : { "email" : [ 1 ] , "b" : 2 } }', '{"a":{"b":2}}'),
        ('{"email":1}', "{}"),
    ],
)
def test_a_denied_name_is_taken_out_however_it_is_written(given_: str, kept: str) -> None:
    assert json.loads(without(given_)) == json.loads(kept)


@pytest.mark.parametrize(
    "text",
    [
        '{"emails":1,"e-mail":2}',
        '{"a":"email"}',
        '{"a":"my \\"email\\": x"}',
        '{"\u212aey":1}',
        '{"a":24.90,"b":1e2,"c":123456789012345678901234567890}',
    ],
)
def test_anything_else_stays(text: str) -> None:
    assert json.loads(without(text), parse_float=str, parse_int=str) == json.loads(
        text, parse_float=str, parse_int=str
    )


def test_numbers_beside_a_denied_name_stay_as_they_were_written() -> None:
    text = '{"email":1,"a":24.90,"b":123456789012345678901234567890,"c":1e400}'
    assert without(text) == '{"a":24.90,"b":123456789012345678901234567890,"c":1e400}'


def test_an_object_without_denied_names_is_not_even_decoded() -> None:
    raw = Raw(b'{"a": not json, but nobody looks}')
    assert DENIED.without(raw) is raw
    assert DENIED.without(EMPTY_OBJECT) is EMPTY_OBJECT
    assert DENIED.without(Raw(b'{"email":1}')) is EMPTY_OBJECT


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(Refused):
        without('{"email":1,"\\ud800":2}')


def test_no_names_deny_nothing() -> None:
    assert not Denied([])
    assert not Denied([""])
    assert Denied(["é"])


@pytest.mark.parametrize("name", ["pr\u00e9nom", "pre\u0301nom", "PRE\u0301NOM"])
@pytest.mark.parametrize("denied", ["pr\u00e9nom", "pre\u0301nom"])
def test_an_accent_may_be_a_character_of_its_own(name: str, denied: str) -> None:
    text = json.dumps({name: "Zoé", "plan": "x"}, ensure_ascii=False)
    assert json.loads(without(text, Denied([denied]))) == {"plan": "x"}
    assert Denied([denied]).names(name)


NAMES = st.sampled_from(["email", "EMAIL", "eMail", "größe", "a", "b\\c", "é", "a/b"]) | st.text()
OBJECTS = st.dictionaries(
    NAMES,
    st.recursive(
        st.none() | st.integers(-(2**63), 2**63) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=5,
)


@given(OBJECTS, st.booleans())
def test_the_slow_and_obvious_way_gives_the_same(value: dict[str, Any], escape: bool) -> None:
    text = json.dumps(value, ensure_ascii=escape)
    try:
        text.encode()
        msgspec.json.decode(text)
    except (UnicodeEncodeError, msgspec.DecodeError):
        return  # lone surrogates are refused before
    assert json.loads(without(text)) == _obvious(value)


def _obvious(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _obvious(one) for name, one in value.items() if not DENIED.names(name)}
    return [_obvious(one) for one in value] if isinstance(value, list) else value
