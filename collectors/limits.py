"""What bounds a request, an event, and what a collector holds at once. Bytes unless the name says otherwise.

Elsewhere, beside what they are about: how much a sender may send (`access.rate_limits`), how old a signature
may be (`webhooks.signatures`), how an importer paces itself (`importing.run`), how long a log's answer is
awaited (`producers`); and what the pipeline must know too: `schemas.rejects.MAX_STORED_BODY`,
`schemas.identifiers.MAX_LENGTH`, `schemas.topics.MAX_RECORD_BYTES`, and the limits in `schemas.events`.
"""

from typing import Final

MAX_BODY: Final = 4 * 1024 * 1024
"""A request's body, before and after inflating."""
MAX_HEAD: Final = 128 * 1024
"""A request's target and headers. What arrives in one piece with the limit may exceed it once."""
MAX_FORM: Final = 512 * 1024
"""A body of form fields, or a query: taking escapes out costs more than reading JSON."""
MAX_EVENT: Final = 32 * 1024
"""One event as it was sent."""
MAX_FACT: Final = 256 * 1024
"""One fact out of a webhook, in our own words: an order of some two thousand lines."""
MAX_BATCH_EVENTS: Final = 2_500
"""Stock SDKs send a hundred or so. While one batch is read, everybody else waits."""
MAX_DEPTH: Final = 64
"""Levels of nesting in one event; readers of the log recurse over it."""
MAX_KEYS: Final = 1_000
"""Names in all objects of one event."""
MAX_CONTAINERS: Final = 4_000
"""Objects and lists in one event."""
MAX_TEXT: Final = 8_192
"""Characters in one of an event's own text fields, such as its URL."""
MAX_MESSAGE_ID: Final = 256
"""Characters in a `messageId`."""

REJECT_PATH: Final = 512
REJECT_DETAIL: Final = 512
REJECT_QUOTA_BYTES: Final = 128 * 1024 * 1024
"""What the rejects of one site may cost at once, and within 24 hours; see `producers.reject_quota`."""

MAX_WAITING: Final = 64 * 1024 * 1024
"""Encoded bytes gathered but not yet durable; beyond it a collector answers 503."""
MAX_READING: Final = 64 * 1024 * 1024
"""Bytes of bodies that are still arriving, over all requests; beyond it a collector answers 503."""
ARRIVAL_SECONDS: Final = 30.0
"""How long a request, headers and body, may take to arrive."""
OPENING_SECONDS: Final = 0.5
"""How long a start waits for its log. After it the collector listens without: the snippet is served,
events get a 503, and ticks go on opening the log."""
STOP_SECONDS: Final = 10
"""How long requests under way may take after SIGTERM."""
RETRY_AFTER_SECONDS: Final = 5
"""What a 503 asks the sender to wait."""
