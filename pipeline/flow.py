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

from pipeline.engine.stage import Stage
from pipeline.masking import mask_url
from pipeline.settings import Settings
from pipeline.stages.delivery.stage import Delivery
from pipeline.stages.dropoff.stage import Dropoff
from pipeline.stages.people.policy import Policy
from pipeline.stages.people.stage import People
from pipeline.stages.rejects import RejectsStage
from pipeline.stages.visits import funnel
from pipeline.stages.visits.stage import Visits
from schemas import topics
from schemas.time_units import DAY_MS
from schemas.topics import Topic


def visits_limit_bytes(state_limit_bytes: int, partitions: int) -> int:
    """Bytes that `visits` may take in one partition: a quarter of all, in equal shares.

    By the log's partitions and not by those that a worker has now: whoever folds the same records
    forgets the same.
    """
    return state_limit_bytes // 4 // partitions


class AgentSpec(NamedTuple):
    """One agent: the topic it reads, the stage that folds it, the topics it writes."""

    agent: str
    reads: Topic
    stage: Callable[[Settings, int], Stage]
    writes: tuple[Topic, ...]


FLOW: Final = (
    AgentSpec(
        "visits",
        topics.EVENTS,
        lambda s, partitions: Visits(
            s.horizon_s * 1000,
            s.lateness_s * 1000,
            funnel.parse(s.funnel),
            visits_limit_bytes(s.state_limit_bytes, partitions),
        ),
        (topics.CUSTOMERS, topics.PAGES),
    ),
    AgentSpec(
        "people",
        topics.CUSTOMERS,
        lambda s, _: People(Policy(lead_ms=s.lead_days * DAY_MS)),
        (topics.TRIGGERS,),
    ),
    AgentSpec("dropoff", topics.PAGES, lambda s, _: Dropoff(), (topics.TRIGGERS,)),
    AgentSpec("rejects", topics.REJECTS, lambda s, _: RejectsStage(), ()),
    AgentSpec("delivery", topics.TRIGGERS, lambda s, _: Delivery(mask_url(s.webhook_url)), ()),
)


def stages(settings: Settings, partitions: int) -> Mapping[str, Stage]:
    """Every agent's stage, for a log of so many partitions."""
    return {spec.agent: spec.stage(settings, partitions) for spec in FLOW}
