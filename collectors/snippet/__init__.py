"""The tracking snippet, `footfall.js`: what a site loads into its pages."""

import gzip
import re
from functools import cache
from importlib.resources import files
from typing import Final

from collectors.snippet.shrink import shrunk
from collectors.source_doc import Becomes, Link, SourceDoc

PATH: Final = "/footfall.js"
"""Where a collector serves it, and takes its events, unless it is told otherwise."""
STUB: Final = (
    "<script>footfall=new Proxy([],{get:(q,m)=>m in q?q[m]:(...a)=>q.push([m,...a])})</script>"
)
"""Takes calls before the script has loaded: an array that any unknown method is added to."""
EVENTS: Final = "/v1/batch"
"""The path that its events would have come by, were it not renamed."""
ABOUT: Final = SourceDoc(
    title="Snippet",
    purpose="Footfall's own script: page views, engaged time and signs of trouble, without any code.",
    connect="paste one line into every page",
    brings=("clicks", "purchases"),
    becomes=(
        Becomes("a page is opened, also within the page", "a page view"),
        Becomes("a page is left", "`Page Engaged` with the seconds it was looked at"),
        Becomes(
            "rage clicks, dead clicks, script errors, form resubmits",
            "`Rage Click`, `Dead Click`, `Script Error`, `Form Resubmitted`",
        ),
        Becomes("`footfall.track(…)`", "an event of that name"),
        Becomes("`footfall.identify(…)`, `alias`, `reset`", "whose browser it is"),
        Becomes(
            "`footfall.orderCompleted(…)`",
            "a purchase where the key has `purchase`, else `Order Completed`",
        ),
        Becomes(
            "`footfall.orderRefunded(…)`, `orderCancelled`",
            "`Order Refunded`, `Order Cancelled`: only a server can take an order back",
        ),
    ),
    not_taken=(
        "What is typed, and the text of elements.",
        "Anything before consent, where you ask.",
    ),
    notes=(
        "More of it, consent, cookies and your own host name: "
        "[Put it on your site](../put-it-on-your-site.md).",
        f"`footfall rejects list` shows what it sends with the path `{EVENTS}`, whatever it is called.",
        "Headless Chromium counts as a bot: testers find their own visits only under Bots.",
    ),
    documentation=(
        Link("Content Security Policy", "https://developer.mozilla.org/en-US/docs/Web/HTTP/CSP"),
    ),
)
_VERSION: Final = re.compile(r'const VERSION = "(\w+)";')


@cache
def source() -> str:
    """The script as written."""
    return files(__package__).joinpath("footfall.js").read_text(encoding="utf-8")


@cache
def script() -> bytes:
    """The script as served."""
    return shrunk(source()).encode()


@cache
def gzipped() -> bytes:
    """The script as served to browsers that take gzip: all of them."""
    return gzip.compress(script(), 9, mtime=0)


def version() -> str:
    """What its events carry as `context.library.version`."""
    match = _VERSION.search(source())
    assert match
    return match[1]


def tag(address: str, key: str) -> str:
    """The line to paste into a site's pages. `address`: the script's, as browsers see it."""
    key_attribute = f' data-key="{_quoted(key)}"' if key else ""
    return f'<script async src="{_quoted(address)}"{key_attribute}></script>'


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")
