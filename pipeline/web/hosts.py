"""DNS rebinding: a web page whose name is made to point at this machine could read all we answer.

Browsers then send that name as Host. Whoever reaches us over loopback calls us localhost or by
address, so on loopback any other name is refused. Elsewhere names are legion, and a network that
must be trusted is the operator's to guard.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler


@web.middleware
async def refuse_rebinding(request: web.Request, handler: Handler) -> web.StreamResponse:
    """421 for a foreign Host on a loopback connection."""
    local = request.transport.get_extra_info("sockname") if request.transport else None
    if local and ip_address(local[0]).is_loopback and not is_local(request.host):
        raise web.HTTPMisdirectedRequest(
            text="On this machine the address is localhost. A proxy in front must send that as Host.\n"
        )
    return await handler(request)


def is_local(host: str) -> bool:
    """Whether a Host header (name or address, with or without a port) is an address or localhost."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False
