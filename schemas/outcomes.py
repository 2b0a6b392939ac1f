"""Page outcomes: what became of one person's attempt at one page. Messages on the `pages` topic."""

from msgspec import Struct

from schemas.origins import Origin

MAX_NEXT = 8
"""How many distinct next steps an outcome keeps, in order."""

ORDER_COMPLETED = "Order Completed"
"""The step that a completed purchase is, and a site's goal: the Segment spec's name of its event."""


class PageOutcome(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """An attempt: the first view of `page` in a session and its repeats within the page's horizon.

    `next` are the distinct other steps (page templates, and event names such as `Order
    Completed`) seen after `time` and up to `time` + horizon in the same session, at most
    `MAX_NEXT`, in (time, message_id) order. `forward` is True or False where a declared funnel
    says so, None where the forward set must be learned. `revision` counts corrections by late
    events, from 0; a revision replaces what an earlier one said (`was_next`, `was_forward`), and
    a `withdrawn` one only takes it back. `site` "" with `page` "" is a
    tick: `time` is the log's time.
    """

    site: str
    page: str
    time: int
    decided_at: int
    device: str = ""
    message_id: str = ""
    device_class: str = ""
    next: tuple[str, ...] = ()
    forward: bool | None = None
    revision: int = 0
    withdrawn: bool = False
    was_next: tuple[str, ...] = ()
    was_forward: bool | None = None
    origin: Origin = Origin("", 0, -1, 0)
