"""What the page of RudderStack tells that no code knows; see `collectors.source_doc`."""

from typing import Final

from collectors.dialects import spec
from collectors.source_doc import Example, Library, Link, SourceDoc

ABOUT: Final = SourceDoc(
    title="RudderStack",
    purpose="RudderStack's own libraries, for browsers and servers, take this for their data plane.",
    connect="change the data plane's URL in RudderStack's library",
    brings=("clicks", "purchases"),
    becomes=spec.BECOMES,
    not_taken=(
        "Nothing is forwarded to other destinations: the control plane's question is answered with "
        "a source that has none.",
    ),
    libraries=(
        Library(
            "@rudderstack/analytics-js",
            "3.34.1",
            "browser",
            'import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";\n'
            "const analytics = new RudderAnalytics();",
            'analytics.load("RUDDERSTACK_KEY", "https://….dataplane.rudderstack.com");',
            'analytics.load("{key}", "{address}", { configUrl: "{address}" });',
        ),
        Library(
            "@rudderstack/rudder-sdk-node",
            "3.0.13",
            "node",
            'import RudderAnalytics from "@rudderstack/rudder-sdk-node";',
            'const analytics = new RudderAnalytics("RUDDERSTACK_KEY", '
            '{ dataPlaneUrl: "https://….dataplane.rudderstack.com" });',
            'const analytics = new RudderAnalytics("{server}", { dataPlaneUrl: "{address}" });',
        ),
        Library(
            "rudder-sdk-python",
            "2.1.9",
            "python",
            "from rudderstack.analytics.client import Client",
            'analytics = Client("RUDDERSTACK_KEY", host="https://….dataplane.rudderstack.com")',
            'analytics = Client("{server}", host="{address}")',
        ),
    ),
    examples=(
        Example(
            """curl '{address}/beacon/v1/batch?writeKey={key}' -H 'Origin: https://www.myshop.example' \\
  -d '{"batch": [
  {"type": "page", "anonymousId": "d-1", "userId": "",
   "context": {"page": {"url": "https://www.myshop.example/tea", "title": "Tea"}}},
  {"type": "identify", "anonymousId": "d-1", "userId": "u42",
   "context": {"traits": {"email": "ada@example.org"}}}]}'""",
            ("page", "identify"),
        ),
    ),
    notes=("Beside the paths below its libraries use [Segment's](segment.md).",),
    documentation=(
        Link("Event specification", "https://www.rudderstack.com/docs/event-spec/standard-events/"),
    ),
)
