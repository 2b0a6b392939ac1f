"""What the steps of drop-off share while one record is folded in."""

from dataclasses import dataclass

from pipeline.engine.stage import Emit
from pipeline.stages.dropoff.baseline import Baseline
from pipeline.stages.dropoff.state import Page, Quarantine, Site, Tables


@dataclass(frozen=True, slots=True)
class Context:
    """The partition's tables, and where to emit."""

    tables: Tables
    emit: Emit

    def quarantine(self, key: str) -> Quarantine:
        """A page's quarantine; `put` after changing it."""
        return self.tables.quarantines.get(key) or Quarantine()

    def baseline(self, page_ref: "PageRef", device: str) -> Baseline:
        """The baseline of a device class on a page; `put` after changing it."""
        return self.tables.baselines.get(page_ref.of(device)) or Baseline()


@dataclass(frozen=True, slots=True)
class PageRef:
    """A page of a site, with their values. `key` is the page's key in the tables."""

    name: str
    path: str
    key: str
    site: Site
    page: Page

    def of(self, device: str) -> str:
        """The key of one device class on this page."""
        return f"{self.key}\n{device}"
