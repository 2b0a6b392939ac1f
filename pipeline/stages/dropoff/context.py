"""What the steps of drop-off share while one record is folded in."""

from dataclasses import dataclass

from pipeline.engine.stage import Emit
from pipeline.stages.dropoff.baseline import Baseline
from pipeline.stages.dropoff.state import Page, Past, Site, Tables


@dataclass(frozen=True, slots=True)
class Scene:
    """The partition's tables, and where to emit."""

    tables: Tables
    emit: Emit

    def past(self, key: str) -> Past:
        """A page's quarantine; `put` after changing it."""
        return self.tables.pasts.get(key) or Past()

    def baseline(self, spot: "Spot", device: str) -> Baseline:
        """The baseline of a device class on a page; `put` after changing it."""
        return self.tables.baselines.get(spot.of(device)) or Baseline()


@dataclass(frozen=True, slots=True)
class Spot:
    """A page of a site, with their values. `key` is the page's key in the tables."""

    name: str
    path: str
    key: str
    site: Site
    page: Page

    def of(self, device: str) -> str:
        """The key of one device class on this page."""
        return f"{self.key}\n{device}"
