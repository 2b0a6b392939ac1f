"""Rejects to the collector again, as the requests they came from.

What only a request's headers said is gone, but for an objection to profiles (Sec-GPC): a replayed
event has no user agent and no address. An event without a time of its own happened when it was
first refused, and by that time the clocks of senders are corrected; its `received_at` is the time
of the replay. Its name is its own or follows from the reject's id, so it counts once however often
it is sent.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, NamedTuple

from footfall.operations.replay_request import ReplayRequest, request_of
from pipeline.errors import LogUnavailable
from pipeline.settings import Settings

LONGEST_WAIT: Final = 300
"""Seconds that one request is tried again for, after 429 and 503."""
_TIMEOUT_SECONDS: Final = 30
_PAUSE_SECONDS: Final = 5
_LATER: Final = (429, 503)


class ReplayOutcome(NamedTuple):
    """How many rejects were taken whole, refused again, and could not be sent for want of a key."""

    taken: int
    refused: int
    impossible: int


def replay(
    settings: Settings,
    rejects: Iterable[Mapping[str, Any]],
    key: str,
    pause: Callable[[float], None] = time.sleep,
) -> ReplayOutcome:
    """Send each once: rows of `rejects_bodies`. `key`: see `request_of`.

    Raises LogUnavailable where no collector takes them; to begin again then counts nothing twice.
    """
    accepted_count = refused_count = impossible = 0
    connection = HTTPConnection(settings.host, settings.port, timeout=_TIMEOUT_SECONDS)
    try:
        for reject in rejects:
            request = request_of(reject, settings.keys, key)
            if request is None:
                impossible += 1
            elif _send(connection, request, pause):
                accepted_count += 1
            else:
                refused_count += 1
    except (OSError, HTTPException) as error:
        raise LogUnavailable(
            f"{accepted_count} taken, then no collector on {settings.host}:{settings.port}: {error}. "
            f"Start one with `footfall up`, or name it with --host and --port; what was taken counts once."
        ) from error
    finally:
        connection.close()
    return ReplayOutcome(accepted_count, refused_count, impossible)


def _send(
    connection: HTTPConnection, request: ReplayRequest, pause: Callable[[float], None]
) -> bool:
    """Whether everything in it was taken. Raises OSError where it should be sent later."""
    waited_s = 0
    while True:
        connection.request(request.method, request.target, request.body or None, request.headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status not in _LATER:
            return response.status == 200 and b'"rejected"' not in answer
        seconds = _seconds(response.getheader("retry-after"))
        waited_s += seconds
        if waited_s > LONGEST_WAIT:
            raise OSError(f"it has answered {response.status} for {LONGEST_WAIT} s")
        connection.close()  # collectors close one that is idle
        pause(seconds)


def _seconds(retry_after: str | None) -> int:
    """What a collector or a proxy before it asks to wait; it may give a date or nothing."""
    return max(1, int(retry_after)) if retry_after and retry_after.isdecimal() else _PAUSE_SECONDS
