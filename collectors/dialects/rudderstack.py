"""RudderStack where it differs from Segment. Its `/v1/*` calls are Segment's, read there.

    POST /beacon/v1/batch?writeKey=   {"batch": [event, …]} as text/plain; no auth header
    GET  /sourceConfig/?writeKey=     what the browser SDK asks of its control plane

Its SDKs send an identify's traits in the context only, and `userId` "" before one.
"""

import re

import msgspec

from collectors.dialects import rudderstack_doc, spec
from collectors.dialects.contract import Dialect, Envelope, Question, Read, Reply, Request, Sender
from collectors.dialects.segment import open_batch


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


class RudderStack(Dialect):
    """See `collectors.dialects.contract.Dialect`."""

    about = rudderstack_doc.ABOUT
    posts = frozenset({"/beacon/v1/batch"})
    questions = (Question(re.compile("/sourceConfig/?"), _source),)

    def open(self, request: Request, body: bytes) -> Envelope:
        """A batch; the key is in the query, as beacons have no headers."""
        return open_batch(request, body)

    def read(self, item: bytes, default_id: str, sender: Sender) -> Read:
        """One event of the Segment spec."""
        return spec.read(None, item, default_id, sender)
