"""What the page of the pixel tells that no code knows; see `collectors.source_doc`."""

from typing import Final

from collectors.dialects import spec
from collectors.source_doc import Example, Link, SourceDoc

ABOUT: Final = SourceDoc(
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
