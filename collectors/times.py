"""Clock readings as senders write them → milliseconds since 1970 UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.events import EARLIEST_MS, LATEST_MS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def milliseconds(value: str | float) -> int | None:
    """ISO 8601 text (UTC where it names no zone) or a number of ms; None where it is neither.

    Readings outside the years 2000 to 2099 are None too.
    """
    try:
        ms = _from_text(value) if isinstance(value, str) else int(value)
    except (ValueError, OverflowError):
        return None
    return ms if EARLIEST_MS <= ms < LATEST_MS else None


def _from_text(value: str) -> int:
    moment = datetime.fromisoformat(value)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MS
