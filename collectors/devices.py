"""User agent → device class. Bots are told, not dropped, so that the books balance."""

import re
from functools import lru_cache
from typing import Final

from schemas.events import DeviceClass

_BOT: Final = re.compile(
    r"(?<!cu)bot(\b|_)|crawl|spider|slurp|headless|lighthouse|pingdom|uptime|monitor|preview|"
    r"facebookexternalhit|scrapy|phantomjs|mediapartners|feedfetcher",
    re.IGNORECASE,
)
_TABLET: Final = re.compile(r"iPad|Tablet|Kindle|Silk/|PlayBook|Android(?!.*Mobile)")
_MOBILE: Final = re.compile(r"Mobi|iPhone|iPod|Windows Phone|BlackBerry|Opera Mini")
_APP: Final = re.compile(r"Dalvik/|Darwin/|okhttp/")
_DESKTOP: Final = re.compile(r"Windows NT|Macintosh|X11|CrOS|Linux")


@lru_cache(maxsize=8_192)
def device_class(user_agent: str) -> DeviceClass:
    """Empty where the agent is none of a visitor: a server-side SDK, or nothing at all.

    iPads that claim to be Macintoshes count as desktops: nothing in the text tells them apart.
    """
    if _BOT.search(user_agent):
        return "bot"
    if _APP.search(user_agent):
        return "mobile"
    if _TABLET.search(user_agent):
        return "tablet"
    if _MOBILE.search(user_agent):
        return "mobile"
    return "desktop" if _DESKTOP.search(user_agent) else ""
