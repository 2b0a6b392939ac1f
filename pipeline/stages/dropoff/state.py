"""What drop-off remembers of a site: pages, their quarantine, baselines and step counts.

Hot and cold values are apart: an outcome changes one `Site` and one `Page`, both small; the rest
changes once per block or hour. Keys are `site`, or `site`, page and device class joined by "\n".
"""

from typing import Any, Final, NamedTuple, cast

from msgspec import Struct, field

from pipeline.engine.state.keyed import Keyed, State
from pipeline.stages.dropoff.baseline import Baseline


class Cell(Struct, array_like=True, gc=False):
    """Views of one device class in a block, how many went forward, and what was predicted.

    `usual` and `floor` are log-odds of going forward: the baseline's mean, and the lowest share
    it calls ordinary, both as known when the block began.
    """

    views: int
    forward: int
    usual: float
    floor: float


class Block(Struct, array_like=True):
    """A run of views within one hour, by device class: the grain of the test and of its onset."""

    start: int
    cells: dict[str, Cell] = {}


class Evidence(Struct, array_like=True):
    """On one segment, per drop, over closed blocks: the sum of bets, and the log evidence of the
    run that speaks most for that drop.
    """

    bets: list[float]
    runs: list[float]


class Window(Struct, array_like=True):
    """First next steps of a page's attempts within one hour (number since 1970)."""

    hour: int
    steps: dict[str, int]


class Flag(Struct):
    """A break that was flagged and has not recovered. Shares are fractions, times ms.

    `gap` is the drop in log-odds. `since`, `back_views` and `back_forward` count from the last
    moment when nothing spoke for recovery; `evidence` is the recovery test's statistic.
    """

    onset: int
    time: int
    segment: str
    devices: list[str]
    gap: float
    expected: float
    evidence: float = 1.0
    since: int = 0
    back_views: int = 0
    back_forward: int = 0
    hour: int = -1
    usual: dict[str, float] = {}


class Page(Struct):
    """A page's present. `evidence` is per segment what closed blocks say.

    `forward` is its learned forward set. `since` says, per device class, from which attempt time
    on outcomes count: after a flag, a recovery or another forward set older counts say nothing.
    `stale`: a closed block was corrected, so `evidence` must be computed anew. `patience` is how
    many views may fail before the open block can raise an alarm.
    """

    block: Block
    hour: int
    forward: tuple[str, ...] = ()
    steps: dict[str, int] = {}
    evidence: dict[str, Evidence] = {}
    since: dict[str, int] = {}
    flags: list[Flag] = []
    stale: bool = False
    suspect: bool = False
    patience: int = 0


class Quarantine(Struct):
    """A page's quarantine: closed blocks not yet learned from, windows not yet counted as steps."""

    blocks: list[Block] = []
    windows: list[Window] = []


class Steps(Struct):
    """A page's counts of first next steps ("" for none), halved in a fortnight."""

    counts: dict[str, float] = {}


class Site(Struct):
    """A site's clock (newest attempt, ms), its traffic and what is broken on it (page → onset).

    `views` counts today's outcomes, `week` those of up to seven days before. `stake` is the
    false-alarm budget of one view. `learned` is the hour of the last learning.
    """

    first: int
    clock: int
    stake: float
    hour: int = -1
    learned: int = -1
    day: int = -1
    views: int = 0
    week: list[int] = []
    broken: dict[str, int] = {}


class PageIndex(Struct):
    """The pages of a site, in order of appearance."""

    pages: list[str] = field(default_factory=list)


class Tables(NamedTuple):
    """A partition's tables, typed."""

    sites: Keyed[Site]
    page_indexes: Keyed[PageIndex]
    pages: Keyed[Page]
    quarantines: Keyed[Quarantine]
    baselines: Keyed[Baseline]
    steps: Keyed[Steps]


_STORED: Final = {"page_indexes": "rosters", "quarantines": "pasts"}
"""Tables that have another name in stored state, which outlives the code."""


def new_state() -> State:
    """An empty state."""
    tables = Tables(
        Keyed(Site), Keyed(PageIndex), Keyed(Page), Keyed(Quarantine), Keyed(Baseline), Keyed(Steps)
    )
    tables_by_name = {_STORED.get(name, name): table for name, table in tables._asdict().items()}
    return State(**cast("dict[str, Keyed[object]]", tables_by_name))


def tables_of(state: State) -> Tables:
    """The typed view of a state made by `new_state`."""
    tables = {name: state.tables[_STORED.get(name, name)] for name in Tables._fields}
    return Tables(**cast("dict[str, Any]", tables))
