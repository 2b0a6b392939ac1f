"""Page outcomes: what became of a device's attempts at pages. Messages on the `pages` topic."""

from msgspec import Struct

from schemas.origins import Origin

MAX_NEXT = 8
"""How many distinct next steps an outcome lists, in order."""

ORDER_COMPLETED = "Order Completed"
"""The step that a completed purchase is, and a site's goal: the Segment spec's name of its event."""


class PageOutcome(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """An attempt: a device's view of `page` and its repeats within the horizon.

    The first view after the horizon opens another attempt, even in the same session. `time` is that
    of the view that opened it (`message_id`), `decided_at` the log's time when the outcome was
    emitted; both in ms since 1970. `next` are the distinct other steps (page templates, and event
    names such as `Order Completed`) of the device after `time` and up to `time` + horizon, at most
    `MAX_NEXT`, in (time, message_id) order; a step that is forward by the declared funnel is the
    last. `forward` is True or False where a declared funnel has the page, None where the forward set
    must be learned. `revision` counts corrections by late events, from 0: a revision replaces what
    was emitted before (`was_next`, `was_forward`), and a `withdrawn` one only takes it back. `site`
    "" with `page` "" is a tick: `time` is the log's time.
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
