"""Campaign parameters and click ids, out of a page's URL or an SDK's own words."""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote_plus

from collectors.enrichment.fields import LONGEST, NOTHING, REMEMBERED, Fields

_UTM: Final = {
    "utm_source": "campaign_source",
    "utm_medium": "campaign_medium",
    "utm_campaign": "campaign_name",
    "utm_term": "campaign_term",
    "utm_content": "campaign_content",
}
"""https://support.google.com/analytics/answer/10917952"""
_SEGMENT: Final = {
    "source": "campaign_source",
    "medium": "campaign_medium",
    "name": "campaign_name",
    "term": "campaign_term",
    "content": "campaign_content",
}
"""https://segment.com/docs/connections/spec/common/#context"""
CLICK_IDS: Final = (
    "gclid",
    "gbraid",
    "wbraid",
    "dclid",  # Google
    "msclkid",  # Microsoft
    "fbclid",  # Meta
    "ttclid",  # TikTok
    "twclid",  # X
    "li_fat_id",  # LinkedIn
    "epik",  # Pinterest
    "sccid",  # Snapchat
    "rdt_cid",  # Reddit
    "yclid",  # Yandex
    "irclickid",  # impact.com
)
"""What advertisers' networks add to the addresses they link to, one value for every click."""
_NAMES: Final = frozenset((*_UTM, *CLICK_IDS))

_PARAMETER: Final = re.compile(r"[?&;]([a-z_]{4,12})=([^&;#]{1,2048})", re.ASCII | re.IGNORECASE)
"""Which it is, a dict tells: to try the names one by one takes 8 times as long."""
_READ: Final = 4_096
_PARAMETERS: Final = 64
"""Characters of a URL, and parameters with names of that length in it, that are looked at: a request
may bring megabytes of them."""
_CACHE_SIZE: Final = 2_048
"""Different URLs with a query whose reading is remembered: an event of a page repeats its URL."""


def fields(url: str, campaign: Mapping[str, Any] | None) -> Fields:
    """`campaign_…` and `click_id` (`gclid:…`). `campaign` is Segment's `context.campaign`; it wins."""
    matches = NOTHING
    if "?" in url:
        short = len(url) <= REMEMBERED and url.isascii()
        matches = (_of_url if short else _of_url.__wrapped__)(url)
    if not campaign:
        return matches
    own = {field: campaign.get(name) for name, field in _SEGMENT.items()}
    return {
        **matches,
        **{field: v[:LONGEST] for field, v in own.items() if isinstance(v, str) and v},
    }


@lru_cache(_CACHE_SIZE)
def _of_url(url: str) -> Fields:
    """Of a parameter that is there twice the first counts, as of two click ids."""
    matches: dict[str, str] = {}
    for parameter in islice(_PARAMETER.finditer(url, 0, _READ), _PARAMETERS):
        name = parameter[1].lower()
        if name not in _NAMES:
            continue
        text = unquote_plus(parameter[2]).strip()[:LONGEST]
        if text and name in _UTM:
            matches.setdefault(_UTM[name], text)
        elif text:
            matches.setdefault("click_id", f"{name}:{text}")
    return matches or NOTHING
