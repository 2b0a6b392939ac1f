"""What is said about customers: messages on the `customers` topic, in the order of one site."""

from typing import Literal

from msgspec import Struct

from schemas.events import Feedback, Order, Ticket
from schemas.origins import Origin

FactKind = Literal["assertion", "reset", "alias", "purchase", "ticket", "feedback", "tick"]


class CustomerFact(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A fact with consequences for who is who, or for what a customer is due.

    Whatever its kind, a fact with `identifiers` says that these belong together, and where it has
    a `device`, that from `time` on the device is used by them (until another assertion or a
    `reset`). `alias` joins `previous_id` (an identifier) to `identifiers`. A purchase, ticket or
    feedback without identifiers belongs to whoever its device belongs to at `time`.
    A `tick` carries the log's time in `time`, ms.
    """

    kind: FactKind
    site: str
    time: int
    message_id: str
    origin: Origin = Origin("", 0, -1, 0)
    device: str = ""
    identifiers: tuple[str, ...] = ()
    previous_id: str = ""
    opt_out: bool = False
    order: Order | None = None
    ticket: Ticket | None = None
    feedback: Feedback | None = None
