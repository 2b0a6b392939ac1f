"""Referrer → what kind of place a visitor came from, and which.

Media: `search`, `social`, `video`, `email`, `chat`, `ai` (assistants whose answers hold links),
`internal` (the site itself) and `link` (any other site; the source is its host). The list is our own
and short, as the one on PyPI (referer-parser) was last changed in 2016.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from collectors.enrichment.fields import LONGEST, NOTHING, Fields

_PLACES: Final = {
    "search": {
        "Bing": "bing.com",
        "DuckDuckGo": "duckduckgo.com",
        "Ecosia": "ecosia.org",
        "Baidu": "baidu.com",
        "Brave": "search.brave.com",
        "Startpage": "startpage.com",
        "Qwant": "qwant.com",
        "Naver": "search.naver.com",
        "Seznam": "search.seznam.cz",
        "Kagi": "kagi.com",
        "Sogou": "sogou.com",
        "Yandex": "ya.ru",
        "Google": "com.google.android.googlequicksearchbox",
    },
    "social": {
        "Facebook": "facebook.com fb.com fb.me com.facebook.katana",
        "Instagram": "instagram.com com.instagram.android",
        "Threads": "threads.net threads.com",
        "X": "x.com twitter.com t.co com.twitter.android",
        "LinkedIn": "linkedin.com lnkd.in com.linkedin.android",
        "Reddit": "reddit.com redd.it com.reddit.frontpage",
        "Pinterest": "pinterest.com pin.it com.pinterest",
        "TikTok": "tiktok.com com.zhiliaoapp.musically",
        "Snapchat": "snapchat.com",
        "Bluesky": "bsky.app",
        "Mastodon": "mastodon.social",
        "VK": "vk.com",
        "Weibo": "weibo.com",
        "Xing": "xing.com",
        "Quora": "quora.com",
        "Hacker News": "news.ycombinator.com",
    },
    "video": {
        "YouTube": "youtube.com youtu.be com.google.android.youtube",
        "Vimeo": "vimeo.com",
        "Twitch": "twitch.tv",
    },
    "email": {
        "Gmail": "mail.google.com com.google.android.gm",
        "Outlook": "outlook.com outlook.live.com outlook.office.com outlook.office365.com "
        "com.microsoft.office.outlook",
        "Yahoo Mail": "mail.yahoo.com",
        "iCloud Mail": "icloud.com",
        "Proton Mail": "mail.proton.me",
        "GMX": "gmx.net gmx.de",
        "WEB.DE": "web.de",
    },
    "chat": {
        "WhatsApp": "whatsapp.com wa.me com.whatsapp",
        "Telegram": "t.me telegram.org org.telegram.messenger",
        "Slack": "slack.com com.slack",
        "Discord": "discord.com",
        "Messenger": "messenger.com",
        "Teams": "teams.microsoft.com",
        "Line": "line.me",
    },
    "ai": {
        "ChatGPT": "chatgpt.com chat.openai.com",
        "Claude": "claude.ai",
        "Perplexity": "perplexity.ai",
        "Gemini": "gemini.google.com",
        "Copilot": "copilot.microsoft.com",
        "Mistral": "chat.mistral.ai",
        "DeepSeek": "chat.deepseek.com",
        "Grok": "grok.com",
        "You.com": "you.com",
    },
}
"""Medium → source → its domains, and its Android apps. A domain's own subdomains count too."""
_PLACE_OF: Final = {
    domain: {"referrer_medium": medium, "referrer_source": source}
    for medium, sources in _PLACES.items()
    for source, domains in sources.items()
    for domain in domains.split()
}
_ANYWHERE: Final = re.compile(
    r"(?:www\.|m\.|images\.|(?:[a-z]{2}\.)?search\.)?(google|yahoo|yandex)"
    r"\.(?:com|net|[a-z]{2}|com?\.[a-z]{2})"
)
"""Search engines with a domain in every country; not their other services, such as docs.google.com."""
_LABELS: Final = 5
_CACHE_SIZE: Final = 2_048
_ORIGIN: Final = 320
"""Characters of scheme, host and port: of longer ones the rest is not read. A name has 253."""


def fields(referrer: str, url: str) -> Fields:
    """`referrer_medium` and `referrer_source`; nothing where the referrer is no URL."""
    end = url.find("/", 8, _ORIGIN)
    origin = url[: end if end > 0 else _ORIGIN]
    remembered = referrer.isascii() and origin.isascii()
    return (_seen_from if remembered else _seen_from.__wrapped__)(referrer[:_ORIGIN], origin)


@lru_cache(_CACHE_SIZE)
def _seen_from(referrer: str, origin: str) -> Fields:
    host, own = _host(referrer), _host(origin)
    if not host:
        return NOTHING
    if own and (host == own or host.endswith(f".{own}") or own.endswith(f".{host}")):
        return {"referrer_medium": "internal"}
    if match := _ANYWHERE.fullmatch(host):
        return {"referrer_medium": "search", "referrer_source": match[1].capitalize()}
    labels = host.split(".")
    for first in range(max(0, len(labels) - _LABELS), len(labels) - 1):
        if position := _PLACE_OF.get(".".join(labels[first:])):
            return position
    return {"referrer_medium": "link", "referrer_source": host[:LONGEST]}


def _host(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # a URL with a broken host
        return ""
    return host.rstrip(".").removeprefix("www.")
