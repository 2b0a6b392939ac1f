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

READ: Final = 512
"""Characters of a user agent that are looked at: bounds the time of every expression."""
_KEPT: Final = 8_192
"""Different user agents whose reading is remembered."""

_BOT: Final = re.compile(r"(?<!cu)bot(?:\b|_)")
_SIGNS: Final = (
    "crawl", "spider", "slurp", "headless", "lighthouse", "pingdom", "uptime", "monitor", "preview",
    "facebookexternalhit", "scrapy", "phantomjs", "mediapartners", "feedfetcher", "feed fetcher",
    "archive", "synthetics", "checkly", "linkcheck", "link check", "playwright", "selenium",
    "puppeteer", "gtmetrix", " ptst/", "thousandeyes", "inspectiontool", "googleother",
    "google-agent", "googleagent", "google-read-aloud", "appengine-google", "imageproxy",
    "google favicon", "chatgpt-user", "claude-user", "perplexity-user", "mistralai-user",
    "manus-user", "scanner", "img2dataset", "nikto/",
)  # fmt: skip
"""What bots have in their names, beside "bot". Looked for one by one: one expression of them all
takes 20 times as long."""
_TABLET: Final = re.compile(r"iPad|Tablet|Kindle|Silk/|PlayBook|Android(?!.*Mobile)")
_MOBILE: Final = re.compile(r"Mobi|iPhone|iPod|Windows Phone|BlackBerry|Opera Mini")
_APP: Final = re.compile(r"Dalvik/|Darwin/|okhttp/")
_DESKTOP: Final = re.compile(r"Windows NT|Macintosh|X11|CrOS|Linux")

_GAPS: Final = " ;(,/+@:"
_WORD: Final = re.compile(r"[A-Za-z_-]*")
_NAME: Final = re.compile(
    r"(?!chrome|chromium|mobile|safari|firefox|android|ie|edge|opera)[\w.!-]{1,64}(?: [\w.!-]{1,32}){0,3}",
    re.ASCII | re.IGNORECASE,
)
"""A name that ua-parser gives a bot: it also gives those of browsers, and pieces of addresses."""
_PRODUCT: Final = re.compile(r"(?:^|compatible; ?)(?!Mozilla)([\w.-]{2,64})", re.ASCII)
LONGEST_BOT: Final = 64
_SIZE: Final = re.compile(r" ?\b(?:Mobile|iOS)\b")
"""What ua-parser adds to a browser's name on phones, where the device class says it already."""


def fields(user_agent: str) -> Fields:
    """`device_class`, and `browser` and `os`, or `bot`, where they are known.

    Nothing at all where the agent is none of a visitor: a server-side SDK, or an empty text.
    """
    return _fields(user_agent[:READ])


@lru_cache(_KEPT)
def _fields(text: str) -> Fields:
    device_class = _device_class(text)
    if device_class == "":
        return NOTHING
    known = parser()(text, _wanted())
    if device_class == "bot":
        found = {"bot": _bot_name(text, known)}
    else:
        found = {"browser": "" if _APP.search(text) else _browser(known), "os": _system(known)}
    return {"device_class": device_class, **{name: said for name, said in found.items() if said}}


def device_class(user_agent: str) -> DeviceClass:
    """The device class alone.

    iPads that claim to be Macintoshes count as desktops: nothing in the text tells them apart.
    """
    return _device_class(user_agent[:READ])


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
    if _sign(text.lower()):
        return "bot"
    if _APP.search(text):
        return "mobile"
    if _TABLET.search(text):
        return "tablet"
    if _MOBILE.search(text):
        return "mobile"
    return "desktop" if _DESKTOP.search(text) else ""


def _browser(known: "PartialResult") -> str:
    family = known.user_agent.family if known.user_agent else ""
    return _SIZE.sub("", family).strip().replace("UI/WKWebView", "WebView")


def _system(known: "PartialResult") -> str:
    return known.os.family if known.os else ""


def _sign(lower: str) -> tuple[int, int] | None:
    """Where the first word stands that gives a bot away."""
    named = _BOT.search(lower) if "bot" in lower else None
    found = [named.span()] if named else []
    for sign in _SIGNS:
        start = lower.find(sign)
        if start >= 0:
            found.append((start, start + len(sign)))
    return min(found, default=(0, 8) if lower.startswith("whatsapp/") else None)


def _bot_name(text: str, known: "PartialResult") -> str:
    """The word that gave it away; where that is just "bot" or the like, the name it is listed by."""
    start, end = _sign(text.lower()) or (0, 0)
    first = 1 + max(text.rfind(gap, 0, start) for gap in _GAPS)
    rest = _WORD.match(text, end)
    word = text[first : rest.end() if rest else end].strip("._-/ ")
    if len(word) > end - start:
        return word[-LONGEST_BOT:]
    family = known.user_agent.family if known.user_agent else ""
    if _NAME.fullmatch(family):
        return family
    product = _PRODUCT.search(text)
    return product[1] if product else word
