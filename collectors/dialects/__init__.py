"""Foreign bodies → Events, one dialect per file. Every path that takes events is listed here."""

from collections.abc import Mapping
from typing import Final

from collectors.dialects.contract import Dialect, Reply
from collectors.dialects.jitsu import Jitsu
from collectors.dialects.pixel import Pixel
from collectors.dialects.posthog import PostHog
from collectors.dialects.rudderstack import RudderStack
from collectors.dialects.segment import Segment
from collectors.dialects.snowplow import Snowplow
from collectors.dialects.typed import Typed

ALL: Final[tuple[Dialect, ...]] = (
    Segment(),
    RudderStack(),
    Jitsu(),
    PostHog(),
    Snowplow(),
    Pixel(),
    Typed(),
)
BY_PATH: Final[Mapping[str, Dialect]] = {
    path: dialect for dialect in ALL for path in sorted(dialect.posts | dialect.gets)
}


def takes(method: str, path: str) -> bool:
    """Whether such a request brings events."""
    dialect = BY_PATH.get(path)
    if dialect is None:
        return False
    return path in (dialect.posts if method == "POST" else dialect.gets if method == "GET" else ())


def answer(path: str) -> Reply | None:
    """What an SDK that asks for this path hears; None where no SDK asks."""
    for dialect in ALL:
        for question in dialect.questions:
            if match := question.path.fullmatch(path):
                return question.answer(match)
    return None
