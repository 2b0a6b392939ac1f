"""What a collector is told by its settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import time_ns

from collectors import snippet
from collectors.enrichment import Enrichment
from schemas.keys import Keys


def wall_clock() -> int:
    """Milliseconds since 1970."""
    return time_ns() // 1_000_000


@dataclass(frozen=True)
class CollectorConfig:
    """What a collector is told. `log`: embedded://DIR, kafka://HOST:PORT[,HOST:PORT] or null://.

    `keys`: who may write what; none: everybody everything, to the site "default".
    `snippet_path`: see `collectors.endpoint`.
    `webhook_secrets` and `webhook_mappings`: see `collectors.webhook_settings.router_of`. `clock`
    gives the log's time, ms. `port` 0 takes any free one. `disk_reserve`: bytes that an embedded log
    leaves free on its disk.
    """

    log: str
    partitions: int = 1
    host: str = "127.0.0.1"
    port: int = 8080
    keys: Keys = field(default_factory=dict)
    enrichment: Enrichment = field(default_factory=Enrichment)
    snippet_path: str = snippet.PATH
    webhook_secrets: tuple[str, ...] = ()
    webhook_mappings: tuple[str, ...] = ()
    tick_seconds: float = 1.0
    clock: Callable[[], int] = wall_clock
    disk_reserve: int = 0
