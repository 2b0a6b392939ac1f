"""Topics: every name, its key and its writer stand here and nowhere else."""

from typing import Final, NamedTuple


class Topic(NamedTuple):
    """A log topic. Every topic has the same number of partitions, fixed when the log is made."""

    name: str
    key: str
    writer: str


EVENTS: Final = Topic("footfall-events", key="device, else customer", writer="collector")
REJECTS: Final = Topic("footfall-rejects", key="site", writer="collector")
CUSTOMERS: Final = Topic("footfall-customers", key="site", writer="worker")
PAGES: Final = Topic("footfall-pages", key="site", writer="worker")
TRIGGERS: Final = Topic("footfall-triggers", key="site", writer="worker")

ALL: Final = (EVENTS, REJECTS, CUSTOMERS, PAGES, TRIGGERS)

DELTAS_SUFFIX: Final = "-deltas"
"""Kafka only: a stage's state deltas are in `footfall-<stage>` plus this suffix."""

SNAPSHOTS_SUFFIX: Final = "-snapshots"

MAX_RECORD_BYTES: Final = 900_000
"""No record is larger; Kafka's default limit is 1 MiB with its own overhead."""
