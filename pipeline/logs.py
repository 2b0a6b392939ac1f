"""What a process writes about itself: structlog's lines, without what is secret in its settings."""

from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog

from pipeline.masking import scrubbed


def hide(secrets: Iterable[str]) -> None:
    """From now on no line of this process's log shows one of them."""
    kept = list(secrets)

    def without(_: Any, __: str, told: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name, value in told.items():
            if isinstance(value, str):
                told[name] = scrubbed(value, kept)
        return told

    *before, renderer = structlog.get_config()["processors"]
    structlog.configure(processors=[*before, without, renderer])
