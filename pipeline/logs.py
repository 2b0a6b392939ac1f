"""What a process writes about itself: structlog's lines, without what is secret in its settings."""

from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog

from pipeline.masking import scrub


def hide(secrets: Iterable[str]) -> None:
    """From now on no line of this process's log shows one of them."""
    hidden = list(secrets)

    def without(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name, value in event.items():
            if isinstance(value, str):
                event[name] = scrub(value, hidden)
        return event

    *before, renderer = structlog.get_config()["processors"]
    structlog.configure(processors=[*before, without, renderer])
