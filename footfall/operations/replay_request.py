"""A reject as the request it came from, with no more rights than it came with. Pure.

An event that was refused out of a batch goes back in its dialect's envelope, alone. Its `sentAt`
stood in the envelope, so its time is no longer corrected by it.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from schemas.keys import Keys, WriteKey
from schemas.rejects import Reason, as_bytes

UNASKED: Final = tuple(
    reason.value
    for reason in (
        Reason.NOT_ALLOWED,
        Reason.FORBIDDEN_ORIGIN,
        Reason.BAD_SIGNATURE,
        Reason.UNKNOWN_KEY,
    )
)
"""Refused for want of rights: sent again only where the owner names the reason."""
HEADER: Final = "x-footfall-replay"
"""Id and ms of the reject. It names events that have no name, so that two replays count once."""

_SNOWPLOW: Final = ("/com.snowplowanalytics.snowplow/tp2", "/i")
_PAYLOAD: Final = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
_BATCHES: Final = ("/batch", "/b", "/import")
_IN_URL: Final = "!$%&'()*+,-./:;=?@_~"


class ReplayRequest(NamedTuple):
    """A request to the collector. `target` is path and query."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def request_of(reject: Mapping[str, Any], keys: Keys, named: str) -> ReplayRequest | None:
    """The request for a row of `rejects_bodies`; None where no key may send it.

    What came with a page's key goes with one of its site's, from an origin of it; what came with a
    server's, or out of an imported file, with a server's. Of several keys the one with the fewest
    rights is taken, unless `named` is among them. What came with no key that is known goes with
    `named`. With no `keys` at all, none is needed.
    """
    name = _key_for(reject, keys, named)
    if name is None:
        return None
    headers = {
        "content-type": "application/json",
        HEADER: f"{reject['id']} {reject['time']}",
        **_rights(name, keys.get(name)),
        **({"sec-gpc": "1"} if reject["opt_out"] else {}),
    }
    path, body = str(reject["path"]), as_bytes(reject["body"])
    if reject["method"] == "GET":
        return ReplayRequest("GET", f"{path}?{_query(path, body)}", headers, b"")
    return ReplayRequest("POST", path, headers, _in_envelope(path, body))


def _key_for(reject: Mapping[str, Any], keys: Keys, named: str) -> str | None:
    if not keys:
        return ""
    if not reject["sender"]:
        return named or None
    server = reject["sender"] in ("server", "import")
    fitting = {
        name: key
        for name, key in keys.items()
        if key.site == reject["site"] and key.server is server
    }
    if named in fitting:
        return named
    return min(fitting, key=lambda n: fitting[n].identify + fitting[n].purchase, default=None)


def _rights(name: str, key: WriteKey | None) -> dict[str, str]:
    """In a header: a URL would be in logs of the collector's and of proxies."""
    if not name:
        return {}
    headers = {"authorization": "Basic " + b64encode(f"{name}:".encode()).decode()}
    if key is not None and key.origins:
        headers["origin"] = min(key.origins)
    return headers


def _in_envelope(path: str, body: bytes) -> bytes:
    """The body of a whole request stays as it is."""
    snowplow = path in _SNOWPLOW
    if not snowplow and not path.endswith(_BATCHES):
        return body
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return body
    if ("data" if snowplow else "batch") in fields:
        return body
    if snowplow:
        return b'{"schema":"%s","data":[%s]}' % (_PAYLOAD.encode(), body)
    return b'{"batch":[%s]}' % body


def _query(path: str, body: bytes) -> str:
    """The query as it came, but for a key in it; or the event that stood there, as it may stand."""
    if not body.startswith(b"{"):
        parts = quote(body, safe=_IN_URL).split("&")
        return "&".join(part for part in parts if not part.startswith("writeKey="))
    if path in _SNOWPLOW:
        return urlencode(msgspec.json.decode(body, type=dict[str, str]))
    return "data=" + quote(b64encode(body), safe="")
