"""Other websites: a page of theirs, open in a reader's browser, could have us run queries.

It cannot read the answers (no CORS here), but the work would be done. Browsers say in Sec-Fetch-Site
where a request comes from (https://www.w3.org/TR/fetch-metadata/); programs that are no browsers
send no such header and are let through. A link from elsewhere to a page of ours is a navigation and
stays possible.
"""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from pipeline.web.clickhouse import PREFIX

_ANSWERING: Final = ("/api", PREFIX)
"""What asks the warehouse: no link from elsewhere leads there either."""


@web.middleware
async def refuse_foreign_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """403 for what another site's page asks for, but for navigation to a page."""
    foreign = request.headers.get("Sec-Fetch-Site") == "cross-site"
    if foreign and not _is_navigation_to_page(request):
        raise web.HTTPForbidden(text="Other sites may link to pages here, and nothing else.\n")
    return await handler(request)


def _is_navigation_to_page(request: web.Request) -> bool:
    navigates = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    return navigates and not any(
        request.path == prefix or request.path.startswith(prefix + "/") for prefix in _ANSWERING
    )
