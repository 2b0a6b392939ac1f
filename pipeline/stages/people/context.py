"""What the folding of one record carries along: state, exit, and the cycles to look at in its end."""

from typing import NamedTuple

from pipeline.engine.stage import Emit
from pipeline.stages.people.policy import Policy
from pipeline.stages.people.state import PeopleState


class Place(NamedTuple):
    """A person, by canonical identifier, and a product."""

    site: str
    person: str
    product: str


class Turn:
    """One record's folding. `touched` keeps the order of touching, so that replays repeat it."""

    __slots__ = ("emit", "policy", "state", "touched")

    def __init__(self, state: PeopleState, emit: Emit, policy: Policy) -> None:
        self.state, self.emit, self.policy = state, emit, policy
        self.touched: dict[Place, None] = {}

    def touch(self, site: str, person: str, product: str) -> None:
        """A purchase came to, or went from, this person."""
        self.touched[Place(site, person, product)] = None
