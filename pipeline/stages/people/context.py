"""What is shared while one record is folded: state, output, and the cycles to renew at its end."""

from typing import NamedTuple

from pipeline.engine.stage import Emit
from pipeline.stages.people.policy import Policy
from pipeline.stages.people.state import PeopleState


class PersonProduct(NamedTuple):
    """A person, by canonical identifier, and a product."""

    site: str
    person: str
    product: str


class RecordContext:
    """One record's folding. `stale` keeps the order in which cycles went stale, so that replays repeat it."""

    __slots__ = ("emit", "policy", "stale", "state")

    def __init__(self, state: PeopleState, emit: Emit, policy: Policy) -> None:
        self.state, self.emit, self.policy = state, emit, policy
        self.stale: dict[PersonProduct, None] = {}

    def touch(self, site: str, person: str, product: str) -> None:
        """A purchase came to, or went from, this person."""
        self.stale[PersonProduct(site, person, product)] = None
