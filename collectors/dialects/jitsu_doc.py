"""What the page of Jitsu tells that no code knows; see `collectors.source_doc`."""

from typing import Final

from collectors.dialects import spec
from collectors.source_doc import Example, Library, Link, SourceDoc, Where

_KEYS: Final[tuple[tuple[Where, str], ...]] = (("browser", "{key}"), ("node", "{server}"))

ABOUT: Final = SourceDoc(
    title="Jitsu",
    purpose="Jitsu's own library, in browsers and in Node, sends here instead of to Jitsu.",
    connect="change the host of Jitsu's library",
    brings=("clicks", "purchases"),
    becomes=spec.BECOMES,
    not_taken=("Nothing is forwarded to other destinations, and none is loaded into the page.",),
    libraries=tuple(
        Library(
            "@jitsu/js",
            "1.11.0",
            where,
            'import { jitsuAnalytics } from "@jitsu/js";',
            'const analytics = jitsuAnalytics({ host: "https://….d.jitsu.com", writeKey: "ID:SECRET" });',
            'const analytics = jitsuAnalytics({ host: "{address}", writeKey: "' + key + ':any" });',
        )
        for where, key in _KEYS
    ),
    examples=(
        Example(
            """curl {address}/api/s/page -H 'X-Write-Key: {key}:any' \\
  -H 'Origin: https://www.myshop.example' -d '{
  "anonymousId": "d-1", "context": {"page": {"url": "https://www.myshop.example/tea"}}}'""",
            ("page",),
        ),
        Example(
            """curl {address}/api/s/s2s/track -H 'X-Write-Key: {server}:any' -d '{
  "userId": "u42", "event": "Order Completed",
  "properties": {"order_id": "1001", "total": 49.8, "currency": "EUR"}}'""",
            ("purchase",),
        ),
    ),
    notes=(
        "The library insists on a colon in its key; what stands after it is not read.",
        "With a `privacy.ipPolicy` other than `keep`, no address is kept.",
    ),
    documentation=(Link("Jitsu's JavaScript SDK", "https://github.com/jitsucom/jitsu"),),
)
