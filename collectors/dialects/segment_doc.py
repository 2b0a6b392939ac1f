"""What the page of Segment tells that no code knows; see `collectors.source_doc`."""

from typing import Final

from collectors.dialects import spec
from collectors.source_doc import Becomes, Example, Library, Link, SourceDoc

ABOUT: Final = SourceDoc(
    title="Segment",
    purpose="Segment's own libraries, for browsers and servers, send here instead of to Segment.",
    connect="change the host of Segment's library",
    brings=("clicks", "purchases"),
    becomes=(
        *spec.BECOMES,
        Becomes("`reset` (not in Segment's API)", "the device's next user is new"),
    ),
    not_taken=(
        "Segment's HTML snippet: it loads its library from Segment. Use the npm package.",
        "Nothing is forwarded to other destinations; `integrations` is not read.",
        "Settings are answered with this one destination: no plugins, no consent or plan of Segment's.",
    ),
    libraries=(
        Library(
            "@segment/analytics-next",
            "1.84.3",
            "browser",
            'import { AnalyticsBrowser } from "@segment/analytics-next";',
            'const analytics = AnalyticsBrowser.load({ writeKey: "SEGMENT_KEY" });',
            "const analytics = AnalyticsBrowser.load(\n"
            '  { writeKey: "{key}", cdnURL: "{address}" },\n'
            '  { integrations: { "Segment.io": { apiHost: "{host}/v1", protocol: "{scheme}" } } },\n'
            ");",
        ),
        Library(
            "@segment/analytics-node",
            "3.1.0",
            "node",
            'import { Analytics } from "@segment/analytics-node";',
            'const analytics = new Analytics({ writeKey: "SEGMENT_KEY" });',
            'const analytics = new Analytics({ writeKey: "{server}", host: "{address}" });',
        ),
        Library(
            "analytics-node",
            "6.2.0",
            "node",
            'import Analytics from "analytics-node";',
            'const analytics = new Analytics("SEGMENT_KEY");',
            'const analytics = new Analytics("{server}", { host: "{address}" });',
        ),
        Library(
            "segment-analytics-python",
            "2.4.0",
            "python",
            "import segment.analytics as analytics",
            'analytics.write_key = "SEGMENT_KEY"',
            'analytics.write_key = "{server}"\nanalytics.host = "{address}"',
        ),
        Library(
            "analytics-python",
            "1.4.post1",
            "python",
            "import analytics",
            'analytics.write_key = "SEGMENT_KEY"',
            'analytics.write_key = "{server}"\nanalytics.host = "{address}"',
        ),
    ),
    examples=(
        Example(
            """curl -u {server}: {address}/v1/batch -d '{"batch": [
  {"type": "page", "anonymousId": "d-1",
   "context": {"page": {"url": "https://www.myshop.example/tea", "title": "Tea"}}},
  {"type": "track", "event": "Product Added", "anonymousId": "d-1",
   "properties": {"product_id": "tea-1", "price": 24.9}},
  {"type": "identify", "anonymousId": "d-1", "userId": "u42", "traits": {"email": "ada@example.org"}},
  {"type": "track", "event": "Order Completed", "anonymousId": "d-1",
   "properties": {"order_id": "1001", "currency": "EUR",
                  "products": [{"product_id": "tea-1", "quantity": 2, "price": 24.9}]}}]}'""",
            ("page", "track", "identify", "purchase"),
        ),
    ),
    documentation=(
        Link(
            "HTTP API",
            "https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/",
        ),
        Link("E-commerce events", "https://segment.com/docs/connections/spec/ecommerce/v2/"),
    ),
)
