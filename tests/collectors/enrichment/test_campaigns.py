"""Campaigns and click ids: what is in a URL, and what an SDK says of them itself."""

from time import process_time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.enrichment import campaigns

PAGE = "https://shop.example/tea"


def test_the_five_parameters_are_the_campaign() -> None:
    url = f"{PAGE}?utm_source=news&utm_medium=email&utm_campaign=May+sale&utm_term=t%C3%A9&utm_content=top#x"
    assert campaigns.fields(url, None) == {
        "campaign_source": "news",
        "campaign_medium": "email",
        "campaign_name": "May sale",
        "campaign_term": "té",
        "campaign_content": "top",
    }


@pytest.mark.parametrize("name", campaigns.CLICK_IDS)
def test_a_click_id_says_whose_it_is(name: str) -> None:
    assert campaigns.fields(f"{PAGE}?{name}=Ab-1_2", None) == {"click_id": f"{name}:Ab-1_2"}


def test_of_what_is_there_twice_the_first_counts() -> None:
    url = f"{PAGE}?gclid=1&utm_source=a&fbclid=2&utm_source=b"
    assert campaigns.fields(url, None) == {"click_id": "gclid:1", "campaign_source": "a"}


def test_names_may_be_in_capitals() -> None:
    assert campaigns.fields(f"{PAGE}?UTM_Source=News&ScCid=7", None) == {
        "campaign_source": "News",
        "click_id": "sccid:7",
    }


@pytest.mark.parametrize(
    "url",
    [
        "",
        PAGE,
        f"{PAGE}?",
        f"{PAGE}?a=1&gclid=",
        f"{PAGE}?utm_sources=a",
        f"{PAGE}?xgclid=1",
        f"{PAGE}#utm_source=a",
        f"{PAGE}?utm_source=%20",
    ],
)
def test_anything_else_is_no_campaign(url: str) -> None:
    assert campaigns.fields(url, None) == {}


def test_what_an_sdk_says_itself_wins_over_the_url() -> None:
    said = {"source": "crm", "name": "spring", "medium": 7, "term": None, "other": "x"}
    url = f"{PAGE}?utm_source=news&utm_medium=email&gclid=1"
    assert campaigns.fields(url, said) == {
        "campaign_source": "crm",
        "campaign_medium": "email",
        "campaign_name": "spring",
        "click_id": "gclid:1",
    }


@given(st.text(min_size=1).filter(str.strip))
def test_any_value_comes_out_as_it_was_written(value: str) -> None:
    url = f"{PAGE}?a=b&utm_campaign={quote(value.encode('utf-8', 'replace'), safe='')}"
    expected = value.encode("utf-8", "replace").decode().strip()[:256]
    assert campaigns.fields(url, None) == {"campaign_name": expected}


@given(st.text(max_size=500), st.dictionaries(st.text(), st.none() | st.text() | st.integers()))
def test_no_text_raises_and_values_stay_short(query: str, said: dict[str, object]) -> None:
    found = campaigns.fields(f"{PAGE}?{query}", said)
    assert all(0 < len(value) <= 300 for value in found.values())


@pytest.mark.parametrize(
    "piece", ["?", "&utm_source", "&utm_source=", "&gclid=%", "=", "&", "&epik= ", "&utm_term=a"]
)
def test_the_longest_url_takes_less_than_a_millisecond(piece: str) -> None:
    url = f"{PAGE}?" + (piece * 8_192)[:8_192]
    began = process_time()
    for _ in range(20):
        campaigns.fields(url, None)
    assert (process_time() - began) / 20 < 0.001
