"""RudderStack where it differs from Segment. Its `/v1/*` calls are Segment's, read there.

    POST /beacon/v1/batch?writeKey=   {"batch": [event, …]} as text/plain; no auth header
    GET  /sourceConfig/?writeKey=     what the browser SDK asks of its control plane

Its SDKs send an identify's traits in the context only, and `userId` "" before one.
"""

import re
from typing import Final

import msgspec

from collectors.dialects import spec
from collectors.dialects.contract import Dialect, Envelope, Question, Read, Reply, Request, Sender
from collectors.dialects.segment import open_batch
from collectors.source_doc import Example, Library, Link, SourceDoc


def _source(found: re.Match[str]) -> Reply:
    """A source that is on and has no destinations: nothing to load, everything sent here."""
    source = {
        "id": "footfall",
        "name": "footfall",
        "enabled": True,
        "workspaceId": "footfall",
        "config": {
            "statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}
        },
        "destinations": [],
    }
    return Reply("application/json", msgspec.json.encode({"source": source}))


_ABOUT: Final = SourceDoc(
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


class RudderStack(Dialect):
    """See `collectors.dialects.contract.Dialect`."""

    about = _ABOUT
    posts = frozenset({"/beacon/v1/batch"})
    questions = (Question(re.compile("/sourceConfig/?"), _source),)

    def open(self, request: Request, body: bytes) -> Envelope:
        """A batch; the key is in the query, as beacons have no headers."""
        return open_batch(request, body)

    def read(self, item: bytes, default_id: str, sender: Sender) -> Read:
        """One event of the Segment spec."""
        return spec.read(None, item, default_id, sender)
