"""Referrers: which kind of place a visitor came from."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.enrichment import referrers

PAGE = "https://www.shop.example/tea"


@pytest.mark.parametrize(
    ("referrer", "medium", "source"),
    [
        ("https://www.google.com/", "search", "Google"),
        ("https://www.google.co.uk/search?q=tea", "search", "Google"),
        ("android-app://com.google.android.googlequicksearchbox/", "search", "Google"),
        ("https://de.search.yahoo.com/", "search", "Yahoo"),
        ("https://yandex.ru/", "search", "Yandex"),
        ("https://duckduckgo.com/", "search", "DuckDuckGo"),
        ("https://l.facebook.com/", "social", "Facebook"),
        ("https://t.co/abc", "social", "X"),
        ("https://old.reddit.com/r/tea", "social", "Reddit"),
        ("https://m.youtube.com/watch", "video", "YouTube"),
        ("https://mail.google.com/", "email", "Gmail"),
        ("android-app://com.google.android.gm", "email", "Gmail"),
        ("https://chatgpt.com/", "ai", "ChatGPT"),
        ("https://gemini.google.com/", "ai", "Gemini"),
        ("https://web.whatsapp.com/", "chat", "WhatsApp"),
        ("https://docs.google.com/", "link", "docs.google.com"),
        ("https://www.tea-blog.example/best?x=1", "link", "tea-blog.example"),
        ("HTTPS://WWW.Tea-Blog.Example:8443/best", "link", "tea-blog.example"),
        ("https://203.0.113.9/", "link", "203.0.113.9"),
    ],
)
def test_a_referrer_is_of_a_kind(referrer: str, medium: str, source: str) -> None:
    found = referrers.fields(referrer, PAGE)
    assert found == {"referrer_medium": medium, "referrer_source": source}


@pytest.mark.parametrize(
    "referrer",
    [
        "https://www.shop.example/",
        "https://shop.example/cart",
        "https://blog.shop.example/",
        "http://SHOP.example./",
    ],
)
def test_the_site_itself_and_its_other_names_are_internal(referrer: str) -> None:
    assert referrers.fields(referrer, PAGE) == {"referrer_medium": "internal"}


@pytest.mark.parametrize(
    "referrer",
    [
        "https://google.evil.example/",
        "https://www.google.com.evil.example/",
        "https://facebook.com.evil.example/",
        "https://notfacebook.com/",
        "https://x.com@evil.example/",
        "https://evil.example/https://www.google.com/",
    ],
)
def test_a_name_that_only_looks_like_a_known_one_is_a_link(referrer: str) -> None:
    assert referrers.fields(referrer, PAGE)["referrer_medium"] == "link"


@pytest.mark.parametrize(
    "referrer", ["", "$direct", "about:blank", "tea", "https://[broken/", "/cart"]
)
def test_what_is_no_url_of_a_site_says_nothing(referrer: str) -> None:
    assert referrers.fields(referrer, PAGE) == {}


def test_without_a_page_a_referrer_still_has_a_source() -> None:
    assert referrers.fields("https://a.example/", "")["referrer_source"] == "a.example"


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_raises(referrer: str, url: str) -> None:
    for one in (referrer, f"https://{referrer}"):
        found = referrers.fields(one, url)
        assert set(found) <= {"referrer_medium", "referrer_source"}
        assert all(len(said) <= 256 for said in found.values())


@pytest.mark.parametrize("piece", [".", "a.", "google.", "/", "@", "["])
def test_the_longest_referrer_takes_milliseconds(piece: str) -> None:
    began = process_time()
    referrers.fields("https://" + piece * (8_192 // len(piece)), PAGE)
    assert process_time() - began < 0.05
