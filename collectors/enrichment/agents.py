"""User agent → device class, browser, operating system, and a bot's name.

Bots are told, not dropped, so that the books balance. Names of browsers and systems come from
ua-parser's lists; whether something is a bot, and its class, are decided here, as those lists name
neither headless browsers nor link previews.
"""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from collectors.enrichment.fields import NOTHING, Fields
from schemas.events import DeviceClass

if TYPE_CHECKING:
    from ua_parser import Domain, PartialResult
    from ua_parser.regex import Resolver

READ: Final = 256
"""Characters of a user agent that are looked at: bounds the time of every expression."""
_CACHE_SIZE: Final = 4_096
"""Different user agents whose reading is remembered."""

_BOT: Final = re.compile(r"(?<!cu)bot(?:\b|_)")
SIGNS: Final = (
    "crawl",
    "spider",
    "slurp",
    "headless",
    "lighthouse",
    "pingdom",
    "uptime",
    "monitor",
    "preview",
    "facebookexternalhit",
    "scrapy",
    "phantomjs",
    "mediapartners",
    "feedfetcher",
    "feed fetcher",
    "archive",
    "synthetics",
    "checkly",
    "linkcheck",
    "link check",
    "playwright",
    "selenium",
    "puppeteer",
    "gtmetrix",
    " ptst/",
    "thousandeyes",
    "inspectiontool",
    "googleother",
    "google-agent",
    "googleagent",
    "google-read-aloud",
    "appengine-google",
    "imageproxy",
    "google favicon",
    "chatgpt-user",
    "claude-user",
    "perplexity-user",
    "mistralai-user",
    "manus-user",
    "scanner",
    "img2dataset",
    "nikto/",
)
"""What bots have in their names, beside "bot". Looked for one by one: one expression of them all
takes 20 times as long."""
_WORDS: Final = re.compile(r"[a-z]{3,}")
ORDINARY: Final = {
    "mozilla",
    "windows",
    "win",
    "wow",
    "macintosh",
    "intel",
    "mac",
    "linux",
    "ubuntu",
    "cros",
    "android",
    "iphone",
    "ipad",
    "cpu",
    "like",
    "applewebkit",
    "khtml",
    "gecko",
    "chrome",
    "safari",
    "version",
    "mobile",
    "firefox",
    "edg",
    "edga",
    "edgios",
    "crios",
    "fxios",
    "opr",
    "opera",
    "samsungbrowser",
    "trident",
    "tablet",
    "pixel",
    "build",
    "chromium",
    "vivaldi",
    "yabrowser",
}
"""Words of three letters and more that browsers' agents are made of. No sign is made of these alone,
and to look for words is cheaper than to look for every sign."""
_TABLET: Final = ("iPad", "Tablet", "Kindle", "Silk/", "PlayBook")
_MOBILE: Final = ("Mobi", "iPhone", "iPod", "Windows Phone", "BlackBerry", "Opera Mini")
_APP: Final = ("Dalvik/", "Darwin/", "okhttp/")
_DESKTOP: Final = ("Windows NT", "Macintosh", "X11", "CrOS", "Linux")

_GAPS: Final = " ;(,/+@:"
_WORD: Final = re.compile(r"[A-Za-z_-]*")
_NAME: Final = re.compile(
    r"(?!chrome|chromium|mobile|safari|firefox|android|ie|edge|opera)[\w.!-]{1,64}(?: [\w.!-]{1,32}){0,3}",
    re.ASCII | re.IGNORECASE,
)
"""A name that ua-parser gives a bot: it also gives those of browsers, and pieces of addresses."""
_PRODUCT: Final = re.compile(r"(?:^|compatible; ?)(?!Mozilla)([\w.-]{2,64})", re.ASCII)
LONGEST_BOT: Final = 64
_BEFORE, _AFTER = 64, 32
"""Characters around a bot's sign in which its name is looked for: of 256, some take 400 µs."""
_SIZE: Final = re.compile(r" ?\b(?:Mobile|iOS)\b")
"""What ua-parser adds to a browser's name on phones, where the device class says it already."""


def fields(user_agent: str) -> Fields:
    """`device_class`, and `browser` and `os`, or `bot`, where they are known.

    Nothing at all where the agent is none of a visitor: a server-side SDK, or an empty text.
    """
    text = user_agent[:READ]
    reading = _fields if text.isascii() else _fields.__wrapped__  # others take four times the room
    return reading(text)


@lru_cache(_CACHE_SIZE)
def _fields(text: str) -> Fields:
    if sign := _sign(text.lower()):
        return {"device_class": "bot", "bot": _bot_name(text, sign)}
    device_class = _device_class(text)
    if device_class == "":
        return NOTHING
    existing = parser()(text, _wanted())
    matches = {"browser": "" if _any(_APP, text) else _browser(existing), "os": _system(existing)}
    return {
        "device_class": device_class,
        **{name: stated for name, stated in matches.items() if stated},
    }


def device_class(user_agent: str) -> DeviceClass:
    """The device class alone.

    iPads that claim to be Macintoshes count as desktops: nothing in the text tells them apart.
    """
    text = user_agent[:READ]
    return "bot" if _sign(text.lower()) else _device_class(text)


@cache
def parser() -> "Resolver":
    """ua-parser's expressions for browsers and systems, compiled: 0.3 s and 20 MB.

    Those for devices are left out: they would take as much again, and only phones' models come of
    them.
    """
    from ua_parser.loaders import load_builtins
    from ua_parser.regex import Resolver

    browsers, systems, _ = load_builtins()
    return Resolver((browsers, systems, []))


@cache
def _wanted() -> "Domain":
    from ua_parser import Domain

    return Domain.USER_AGENT | Domain.OS


def _device_class(text: str) -> DeviceClass:
    """Of what is no bot."""
    if _any(_APP, text):
        return "mobile"
    if _any(_TABLET, text) or ("Android" in text and "Mobile" not in text.rpartition("Android")[2]):
        return "tablet"
    if _any(_MOBILE, text):
        return "mobile"
    return "desktop" if _any(_DESKTOP, text) else ""


def _any(signs: tuple[str, ...], text: str) -> bool:
    return any(sign in text for sign in signs)


def _browser(known: "PartialResult") -> str:
    family = known.user_agent.family if known.user_agent else ""
    return _SIZE.sub("", family).strip().replace("UI/WKWebView", "WebView")


def _system(known: "PartialResult") -> str:
    return known.os.family if known.os else ""


def _sign(lower: str) -> tuple[int, int] | None:
    """Where the first word stands that gives a bot away."""
    if ORDINARY.issuperset(_WORDS.findall(lower)):
        return None
    bot_match = _BOT.search(lower) if "bot" in lower else None
    matches = [bot_match.span()] if bot_match else []
    for sign in SIGNS:
        start = lower.find(sign)
        if start >= 0:
            matches.append((start, start + len(sign)))
    return min(matches, default=(0, 8) if lower.startswith("whatsapp/") else None)


def _bot_name(text: str, sign: tuple[int, int]) -> str:
    """The word that gave it away; where that is just "bot" or the like, the name it is listed by."""
    start, end = sign
    first = 1 + max(text.rfind(gap, 0, start) for gap in _GAPS)
    remainder = _WORD.match(text, end)
    word = text[first : remainder.end() if remainder else end].strip("._-/ ")
    if len(word) > end - start:
        return word[-LONGEST_BOT:]
    existing = parser()(text[max(0, start - _BEFORE) : end + _AFTER], _wanted()).user_agent
    if existing and _NAME.fullmatch(existing.family):
        return existing.family
    product = _PRODUCT.search(text)
    return product[1] if product else word
