"""Write keys as text: what the owner says is what a key may do, and a wrong word is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.keys import (
    RATE,
    SERVER_RATE,
    WriteKey,
    browser_keys,
    origin_of,
    pages,
    server_keys,
    text_of,
)


def test_a_browsers_key_may_only_add_events_unless_more_is_said() -> None:
    assert browser_keys("k3y:shop") == {"k3y": WriteKey("shop", rate=RATE)}


def test_words_after_the_site_are_rights_and_bounds() -> None:
    text = "k:shop identify purchase origin=https://a.example origin=http://b.example:81 rate=7"
    assert browser_keys(text)["k"] == WriteKey(
        "shop", True, True, False, frozenset({"https://a.example", "http://b.example:81"}), 7
    )


def test_a_servers_key_may_everything() -> None:
    assert server_keys("s:shop,t:blog rate=5") == {
        "s": WriteKey("shop", True, True, True, rate=SERVER_RATE),
        "t": WriteKey("blog", True, True, True, rate=5),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("shop", "key:site pairs"),
        (":shop", "key:site pairs"),
        ("k:", "key:site pairs"),
        ("k:shop indentify", "identify, purchase, origin=…, rate=…"),
        ("k:shop rate=0", "from 1 to"),
        ("k:shop rate=1 rate=2", "one rate"),
        ("k:shop rate=many", "from 1 to"),
        ("k:a,k:b", "every key once"),
        ("k:shop origin=https://shop.example/", "without a path"),
        ("k:shop origin=shop.example", "without a path"),
        ("k:shop origin=", "without a path"),
        ("k:shop origin=https://Shop.example", "without a path"),
        ("k:shop origin=https://shop.example:443", "without a path"),
        ("k:shop origin=*", "without a path"),
        ("k:shop origin=https://*.shop.example", "as browsers"),
        ("k:shop origin=https://müller.example", "xn--"),
        ("k:shop origin=https://shop.example.", "as browsers"),
        ("k:https://shop.example", "key:site pairs"),
        ("k:my/shop", "key:site pairs"),
        ("k:" + "s" * 65, "at most 64"),
    ],
)
def test_what_is_wrong_is_told_without_the_key(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        browser_keys(text)


def test_a_secret_can_be_bound_to_no_page() -> None:
    with pytest.raises(ValueError, match="only rate="):
        server_keys("s:shop origin=https://shop.example")


_WORDS = st.text("abcdef0123456789-_", min_size=1, max_size=8)
_ORIGINS = st.builds("https://{}.example:{}".format, st.text("abc", min_size=1), st.integers(1, 99))
_KEYS = st.builds(
    WriteKey,
    _WORDS,
    st.booleans(),
    st.booleans(),
    st.just(False),
    st.frozensets(_ORIGINS, max_size=3),
    st.integers(1, 10**6),
)


@given(st.dictionaries(_WORDS, _KEYS, max_size=4))
def test_a_childs_environment_says_the_same(keys: dict[str, WriteKey]) -> None:
    assert browser_keys(text_of(keys)) == keys


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Shop.Example/cart?x=1#y", "https://shop.example"),
        ("https://shop.example:443/", "https://shop.example"),
        ("http://shop.example:8080/", "http://shop.example:8080"),
        ("https://user@shop.example/", "https://shop.example"),
        ("http://[::1]:80/", "http://[::1]"),
        ("file:///etc/passwd", ""),
        ("null", ""),
        ("https://", ""),
        ("https://a:b/", ""),
        ("//shop.example/", ""),
        ("https://[", ""),
    ],
)
def test_an_origin_is_scheme_host_and_unusual_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_pages_are_bound_only_where_every_browsers_key_is() -> None:
    bound = browser_keys("a:shop origin=https://a.example,b:blog origin=https://b.example")
    assert pages(bound) == {"https://a.example", "https://b.example"}
    assert pages({**bound, **server_keys("s:shop")}) == pages(bound)
    assert pages({**bound, **browser_keys("c:shop")}) == frozenset()
    assert pages({}) == frozenset()
