"""What user agents seen in the wild say: class, browser, system, and which bot."""

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.enrichment import agents

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
PIXEL = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari",
            "desktop",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "desktop"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1",
            "mobile",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/140.0.0.0 Mobile Safari/537.36",
            "mobile",
        ),
        ("Mozilla/5.0 (Linux; Android 14; SM-X710) Chrome/140.0.0.0 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) Mobile/15E148 Safari/604.1", "tablet"),
        ("Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A)", "mobile"),
        ("Shop/1 CFNetwork/1490.0.4 Darwin/23.2.0", "mobile"),
        ("okhttp/4.9.0", "mobile"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/140.0 Safari/537.36", "bot"),
        ("analytics-python/2.4.0", ""),
        ("node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", ""),
        ("", ""),
    ],
)
def test_a_user_agent_has_a_device_class(agent: str, kind: str) -> None:
    assert agents.device_class(agent) == kind
    assert agents.fields(agent).get("device_class", "") == kind


def test_no_sign_of_a_bot_is_made_of_ordinary_words_alone() -> None:
    for sign in ("bot", "whatsapp/", *agents.SIGNS):
        words = re.findall("[a-z]{3,}", sign)
        assert any(all(word not in known for known in agents.ORDINARY) for word in words), sign


def test_a_phone_named_cubot_is_no_bot() -> None:
    agent = "Mozilla/5.0 (Linux; Android 11; CUBOT X30) Chrome/140 Mobile"
    assert agents.device_class(agent) == "mobile"


@pytest.mark.parametrize(
    ("agent", "browser", "system"),
    [
        (f"{WINDOWS} Chrome/140.0.0.0 Safari/537.36", "Chrome", "Windows"),
        (f"{WINDOWS} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge", "Windows"),
        (f"{WINDOWS} Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0", "Opera", "Windows"),
        (f"{PIXEL} Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome", "Android"),
        (f"{IPHONE} CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome", "iOS"),
        (f"{IPHONE} Version/18.0 Mobile/15E148 Safari/604.1", "Safari", "iOS"),
        (f"{IPHONE} Mobile/15E148", "Safari WebView", "iOS"),
        (
            "Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0",
            "Firefox",
            "Android",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
            "Firefox",
            "Linux",
        ),
    ],
)
def test_a_browser_is_called_the_same_on_phones_and_desktops(
    agent: str, browser: str, system: str
) -> None:
    found = agents.fields(agent)
    assert (found["browser"], found["os"], "bot" in found) == (browser, system, False)


def test_an_app_has_a_system_and_no_browser() -> None:
    found = agents.fields("Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A)")
    assert found == {"device_class": "mobile", "os": "Android"}


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
            "+https://openai.com/gptbot)",
            "GPTBot",
        ),
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; "
            "+https://openai.com/bot",
            "ChatGPT-User",
        ),
        (
            "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
            "Yahoo! Slurp",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/140.0 Safari/537.36", "HeadlessChrome"),
        ("Pinterest/0.2 (+http://www.pinterest.com/bot.html)", "Pinterest"),
        ("Screaming Frog SEO Spider/5.1", "Screaming Frog SEO Spider"),
        ("WhatsApp/2.23.20.0 A", "WhatsApp"),
        (f"{WINDOWS} Chrome/138.0.0.0 Safari/537.36 DatadogSynthetics", "DatadogSynthetics"),
    ],
)
def test_a_bot_has_a_name_and_no_browser(agent: str, name: str) -> None:
    assert agents.fields(agent) == {"device_class": "bot", "bot": name}


def test_what_stands_after_256_characters_is_not_read() -> None:
    agent = f"{WINDOWS} {'x' * agents.READ} Googlebot"
    assert agents.fields(agent)["device_class"] == "desktop"


HOSTILE = st.lists(
    st.sampled_from(
        [
            "Mozilla/5.0 ",
            "(",
            ";",
            "Android ",
            "bot",
            "İ",
            "Opera/",
            "compatible; ",
            "1.",
            " ",
            "\x00",
            "Mobile",
            "Preview",
            "Build/",
            "https://",
            "é",
            "\N{PILE OF POO}",
            "Chrome/1",
        ]
    )
    | st.text(max_size=20),
    max_size=200,
).map("".join)


@given(HOSTILE)
def test_no_text_raises_and_names_stay_short(agent: str) -> None:
    found = agents.fields(agent)
    assert set(found) <= {"device_class", "browser", "os", "bot"}
    assert all(0 < len(said) <= 256 for said in found.values())


@pytest.mark.parametrize(
    "piece",
    [
        "Android ",
        "a",
        "Opera/",
        "(;/ ",
        "1.",
        " ",
        "bot",
        "CFNetwork/",
        "Build/ ",
        "; ",
        "compatible;",
    ],
)
def test_the_longest_text_takes_milliseconds(piece: str) -> None:
    agents.fields("Mozilla/5.0")
    agents.parser()
    began = process_time()
    agents.fields((piece * 100_000)[:100_000])
    assert process_time() - began < 0.05


@pytest.mark.parametrize("fill", ["y", "yy ", "A", "y-", "1."])
@pytest.mark.parametrize("end", ["spider", " crawl", "bot/1.0", "iPhone"])
def test_the_most_expensive_agent_takes_a_quarter_of_a_millisecond(fill: str, end: str) -> None:
    agents.fields("Mozilla/5.0 (X11; Linux) bot")
    texts = [f"{number} X11 {fill * 300}"[: agents.READ - len(end)] + end for number in range(50)]
    began = process_time()
    for text in texts:
        agents.fields(text)
    assert (process_time() - began) / len(texts) < 0.00025
