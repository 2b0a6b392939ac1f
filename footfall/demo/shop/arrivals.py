"""How visitors come to the shop: by search, a campaign, a link, or an address they know."""

from typing import Final, NamedTuple
from zlib import crc32

from footfall.demo.shop.visits import Visit


class Arrival(NamedTuple):
    """Where a visit's first page was linked, and what the link has in its query."""

    referrer: str = ""
    query: str = ""


_GOOGLE: Final = "https://www.google.com/"
_ARRIVALS: Final = (
    *[Arrival()] * 6,
    *[Arrival(_GOOGLE)] * 5,
    *[Arrival(_GOOGLE, "?utm_source=google&utm_medium=cpc&utm_campaign=assam&gclid={click}")] * 2,
    *[Arrival("", "?utm_source=newsletter&utm_medium=email&utm_campaign=november")] * 2,
    Arrival("https://www.bing.com/"),
    Arrival("https://duckduckgo.com/"),
    Arrival("https://l.facebook.com/", "?utm_source=facebook&utm_medium=social&fbclid={click}"),
    Arrival("https://chatgpt.com/", "?utm_source=chatgpt.com"),
    Arrival("https://tea-lovers.example/best-of-assam"),
)
"""As often as they stand here."""


def arrival(visit: Visit) -> Arrival:
    """How this visit began. It depends on the visit alone, so that it disturbs no dice."""
    first = visit.actions[0]
    number = crc32(f"{first.device.anonymous_id}-{first.time}".encode())
    chosen = _ARRIVALS[number % len(_ARRIVALS)]
    return chosen._replace(query=chosen.query.format(click=f"{number:08x}"))
