"""Answers to requests of which nothing is looked at: they are no rejects, and nothing is kept."""

from typing import Final, NamedTuple

import msgspec

from collectors import limits
from collectors.webhooks.router import BELOW


class ErrorResponse(NamedTuple):
    """Why nothing was looked at. `meaning` is for people."""

    status: int
    reason: str
    meaning: str


NO_SUCH_PATH: Final = ErrorResponse(
    404, "no_such_path", "Nothing is there; the detail names what is."
)
WRONG_METHOD: Final = ErrorResponse(
    405, "wrong_method", "The detail names the methods of this path."
)
OVER_RATE: Final = ErrorResponse(
    429, "over_rate", "Too much came with this key, or from this address."
)
LOG_AWAY: Final = ErrorResponse(503, "log_away", "The log cannot take more now.")
ALL: Final = (NO_SUCH_PATH, WRONG_METHOD, OVER_RATE, LOG_AWAY)

_PATHS: Final = (
    "Events go to /v1/batch, purchases to /v1/purchases, tickets to /v1/tickets, survey answers to "
    f"/v1/feedback, webhooks to {BELOW}VENDOR/SITE; `footfall sources` names every path"
)


def answer(why: ErrorResponse, detail: str) -> bytes:
    """The body."""
    return msgspec.json.encode({"success": False, "reason": why.reason, "detail": detail})


NOT_FOUND: Final = answer(NO_SUCH_PATH, _PATHS)
AWAY: Final = answer(
    LOG_AWAY, f"The log cannot take more now; again after {limits.RETRY_AFTER_SECONDS} s"
)


def over_rate(seconds: int) -> bytes:
    """The body for who may come again after so many seconds."""
    return answer(OVER_RATE, f"{OVER_RATE.meaning[:-1]}; again after {seconds} s")


def wrong_method(methods: str) -> bytes:
    """The body for a path that takes these."""
    return answer(WRONG_METHOD, f"This path takes {methods}")
