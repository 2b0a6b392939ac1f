"""The nouns dashboards are declared with. A panel is a named query and how to look at it."""

from typing import Literal, NamedTuple

Kind = Literal["timeseries", "table", "stat", "barchart"]


class Panel(NamedTuple):
    """One panel. `query` is a file in `sql/queries`; `promql` instead reads Prometheus.

    `unit` is Grafana's name for one. `width` is of 24 columns. `units` are per column where
    they differ. `hide` are columns a table leaves out. `labels` names promql's series.
    """

    title: str
    kind: Kind
    query: str = ""
    promql: str = ""
    unit: str = "short"
    width: int = 12
    height: int = 8
    units: dict[str, str] = {}  # noqa: RUF012  # read only
    hide: tuple[str, ...] = ()
    labels: str = ""


class Board(NamedTuple):
    """One dashboard. `uid` is in its address and its file's name. `days` is shown at first."""

    uid: str
    title: str
    panels: tuple[Panel, ...]
    days: int = 7
