"""Events in a GET, for pages and e-mails that can load an image and nothing else.

    GET /v1/pixel/{kind}?data=BASE64       Segment's pixel: one event of its spec as Base64 JSON
    GET /pixel/v1/{kind}?writeKey=…&…      RudderStack's: `anonymousId`, `userId`, `event`, `name`
                                           and `properties.*`, `traits.*`, `context.*`

Both paths take both ways of writing. One without `messageId` and `timestamp` counts each time.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from collectors.dialects import forms, pixel_doc, reading, spec
from collectors.dialects.contract import Dialect, Envelope, Read, Refused, Request, Sender
from collectors.dialects.keys import sent_key
from schemas.rejects import Reason

_KINDS: Final = {
    f"{base}/{kind}": kind
    for base in ("/v1/pixel", "/pixel/v1")
    for kind in sorted(spec.KINDS - {"reset"})
}
_PLAIN: Final = frozenset(
    {"anonymousId", "userId", "previousId", "groupId", "messageId", "timestamp", "event", "name"}
)
_NESTED: Final = frozenset({"properties", "traits", "context"})
_LEVELS: Final = 4


class _Single(Struct, rename="camel"):
    write_key: Any = None
    sent_at: str | float | None = None


_single: Final = msgspec.json.Decoder(_Single)


class Pixel(Dialect):
    """See `collectors.dialects.contract.Dialect`."""

    about = pixel_doc.ABOUT
    posts = frozenset[str]()
    gets = frozenset(_KINDS)

    def open(self, request: Request, body: bytes) -> Envelope:
        """One event, out of `data` or out of the fields."""
        text = forms.fields(body)
        data = text.get("data")
        item = forms.from_base64(data, "data") if data else msgspec.json.encode(_event(text))
        single = reading.decode(_single, item)
        return Envelope(sent_key(request, single.write_key), single.sent_at, [item], True)

    def read(self, item: bytes, default_id: str, sender: Sender) -> Read:
        """One event of the Segment spec; its path says which."""
        return spec.read(_KINDS[sender.path], item, default_id, sender)


def _event(fields: dict[str, str]) -> dict[str, Any]:
    event: dict[str, Any] = {}
    for name, value in fields.items():
        if name in _PLAIN:
            event[name] = value
        elif name.partition(".")[0] in _NESTED:
            _put(event, name.split("."), value)
    return event


def _put(target: dict[str, Any], path: list[str], value: str) -> None:
    """`context.page.url=x` → {"context": {"page": {"url": "x"}}}."""
    if not 1 < len(path) <= _LEVELS:
        raise Refused(Reason.BAD_SHAPE, f"Not a field of 2 to {_LEVELS} levels - at `{path[0]}`")
    for name in path[:-1]:
        target = target.setdefault(name, {})
        if not isinstance(target, dict):
            raise Refused(Reason.BAD_SHAPE, f"Both a value and an object - at `{path[0]}`")
    target.setdefault(path[-1], value)
