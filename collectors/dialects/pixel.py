"""Events in a GET, for pages and e-mails that can load an image and nothing else.

    GET /v1/pixel/{kind}?data=BASE64       Segment's pixel: one event of its spec as Base64 JSON
    GET /pixel/v1/{kind}?writeKey=…&…      RudderStack's: `anonymousId`, `userId`, `event`, `name`
                                           and `properties.*`, `traits.*`, `context.*`

Both paths take both ways of writing. One without `messageId` and `timestamp` counts each time.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from collectors.dialects import forms, reading, spec
from collectors.dialects.contract import Dialect, Envelope, Read, Refused, Request, Sender
from collectors.dialects.keys import sent_key
from collectors.source_doc import Example, Link, SourceDoc
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


_ABOUT: Final = SourceDoc(
    title="Pixel",
    purpose="An event in an image's address, for e-mails and pages that run no script.",
    connect="put an image into the e-mail or page",
    brings=("clicks",),
    becomes=spec.BECOMES,
    not_taken=(
        "Mail programs that load images through a proxy tell of the proxy, not of the reader.",
    ),
    steps=(
        'Paste `<img src="{address}/pixel/v1/track?writeKey={key}&anonymousId=ID&event=Mail%20Opened" '
        'alt="">` where it should count; `ID` is a name for the reader that you make up.',
    ),
    examples=(
        Example(
            "curl '{address}/pixel/v1/track?writeKey={key}&anonymousId=d-1&event=Mail%20Opened"
            "&properties.mail=june' -o /dev/null",
            ("track",),
        ),
        Example(
            """curl -G {address}/v1/pixel/page -o /dev/null --data-urlencode "data=$(printf %s '{
  "writeKey": "{key}", "anonymousId": "d-1",
  "context": {"page": {"url": "https://www.myshop.example/tea"}}}' | base64 | tr -d '\\n')\"""",
            ("page",),
        ),
    ),
    notes=(
        "Without `messageId` and `timestamp`, an image that is loaded again counts again.",
        "Fields are `anonymousId`, `userId`, `event`, `name`, `properties.…`, `traits.…`, "
        "`context.…`; or all of them as Base64 JSON in `data`.",
    ),
    documentation=(
        Link(
            "Segment's pixel",
            "https://segment.com/docs/connections/sources/catalog/libraries/server/pixel-tracking-api/",
        ),
    ),
)


class Pixel(Dialect):
    """See `collectors.dialects.contract.Dialect`."""

    about = _ABOUT
    posts = frozenset[str]()
    gets = frozenset(_KINDS)

    def open(self, request: Request, body: bytes) -> Envelope:
        """One event, out of `data` or out of the fields."""
        given = forms.fields(body)
        data = given.get("data")
        item = forms.from_base64(data, "data") if data else msgspec.json.encode(_event(given))
        single = reading.decode(_single, item)
        return Envelope(sent_key(request, single.write_key), single.sent_at, [item], True)

    def read(self, item: bytes, default_id: str, sender: Sender) -> Read:
        """One event of the Segment spec; its path says which."""
        return spec.read(_KINDS[sender.path], item, default_id, sender)


def _event(given: dict[str, str]) -> dict[str, Any]:
    event: dict[str, Any] = {}
    for name, value in given.items():
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
