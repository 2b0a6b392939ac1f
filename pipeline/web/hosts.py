"""DNS rebinding: a web page whose name is made to point at this machine could read all we answer.

Browsers then send that name as Host, and its pages count as our own. So only names that are known
are answered: loopback's, and those that the operator sets. Addresses of a local network and
0.0.0.0 are none of them: browsers treat pages of those as no secure context, and do not say where
their requests come from. Whoever shows the token has no need of a name: no foreign page has it.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


def is_served_host(host: str, names: Iterable[str]) -> bool:
    """Whether a Host header is one of `names`, each with a port or, for any port, without."""
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.netloc != host or parts.username is not None:
        return False
    bracketed = f"[{name}]" if ":" in name else name
    served_names = {served_names.lower() for served_names in (*LOCAL_NAMES, *names)}
    return bracketed in served_names or (port is not None and f"{bracketed}:{port}" in served_names)
