"""Form fields and Base64."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import limits
from collectors.dialects import forms
from collectors.dialects.contract import Refused
from schemas.rejects import Reason


def reason(form: bytes) -> Reason:
    with pytest.raises(Refused) as refused:
        forms.fields(form)
    return refused.value.reason


def test_the_first_of_a_field_that_is_there_twice_counts() -> None:
    assert forms.fields(b"a=1&b=&a=2") == {"a": "1", "b": ""}


def test_a_form_over_its_limits_is_refused() -> None:
    assert reason(b"a" * (limits.MAX_FORM + 1)) is Reason.BODY_TOO_LARGE
    assert reason(b"a=1&" * 600) is Reason.BAD_SHAPE
    assert reason(b"a=%ff") is Reason.BAD_ENCODING


@given(st.text())
def test_base64_comes_back_in_either_alphabet_padded_or_not(text: str) -> None:
    for code in (base64.b64encode, base64.urlsafe_b64encode):
        coded = code(text.encode()).decode()
        for sent in (coded, coded.rstrip("="), coded.replace("+", " ")):
            assert forms.from_base64(sent, "data") == text.encode()


@pytest.mark.parametrize("coded", ["a", "!!!!", "_w", "☕"])
def test_what_is_no_text_in_base64_is_refused(coded: str) -> None:
    with pytest.raises(Refused) as refused:
        forms.from_base64(coded, "data")
    assert refused.value.reason is Reason.BAD_ENCODING
