"""The way of an event, from a promise given to a row and a trigger. Read it aloud.

A collector admits an event and appends it to `events`; then it answers 2xx.
`visits` reads `events`: it drops repeats, writes the event, remembers it with its device, closes
    sessions, decides what became of page views, and says what concerns customers.
`people` reads `customers`: it links identifiers, attributes purchases and tickets, and knows who is
    due to buy again or needs care.
`dropoff` reads `pages`: it learns what leads forward, and notices where fewer people go on.
`rejects` reads `rejects`: it writes what could not be taken, with its reason.
`delivery` reads `triggers`: it hands them to webhooks until they are taken.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from pipeline.dropoff.stage import Dropoff
from pipeline.masking import masked
from pipeline.people.policy import DAY, Policy
from pipeline.people.stage import People
from pipeline.rejects import RejectsStage
from pipeline.settings import Settings
from pipeline.stage import Stage
from pipeline.triggers.stage import Delivery
from pipeline.visits import funnel
from pipeline.visits.stage import Visits
from schemas import topics
from schemas.topics import Topic


class Leg(NamedTuple):
    """One agent: the topic it reads, the stage that folds it, the topics it writes."""

    agent: str
    reads: Topic
    stage: Callable[[Settings], Stage]
    writes: tuple[Topic, ...]


FLOW: Final = (
    Leg("visits", topics.EVENTS,
        lambda s: Visits(s.horizon * 1000, s.lateness * 1000, funnel.parse(s.funnel)),
        (topics.CUSTOMERS, topics.PAGES)),
    Leg("people", topics.CUSTOMERS, lambda s: People(Policy(lead=s.lead_days * DAY)),
        (topics.TRIGGERS,)),
    Leg("dropoff", topics.PAGES, lambda s: Dropoff(), (topics.TRIGGERS,)),
    Leg("rejects", topics.REJECTS, lambda s: RejectsStage(), ()),
    Leg("delivery", topics.TRIGGERS, lambda s: Delivery(masked(s.webhook_url)), ()),
)  # fmt: skip


def stages(settings: Settings) -> Mapping[str, Stage]:
    """Every agent's stage."""
    return {leg.agent: leg.stage(settings) for leg in FLOW}
